"""The command line of each daemon of the node."""

from cluster.node.addresses import Addresses
from cluster.node.config import NODE_NAME
from cluster.node.paths import Paths
from cluster.node.processes import Daemon
from cluster.node.programs import Programs

_ETCD = "http://127.0.0.1:2379"


def containerd(paths: Paths) -> Daemon:
    """Runs the containers."""
    return Daemon("containerd", ("containerd", "--config", f"{paths.conf}/containerd.toml"))


def etcd(paths: Paths) -> Daemon:
    """Holds what the API server serves. On loopback inside of the node's namespace, which no pod reaches."""
    peer = "http://127.0.0.1:2380"
    clients = (f"--listen-client-urls={_ETCD}", f"--advertise-client-urls={_ETCD}")
    peers = (f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}", f"--initial-cluster=default={peer}")
    return Daemon("etcd", ("etcd", f"--data-dir={paths.state}/etcd", *clients, *peers))


def apiserver(paths: Paths, addresses: Addresses, programs: Programs) -> Daemon:
    """The API, with its own defaults wherever there are any."""
    pki = paths.pki
    return Daemon(
        "kube-apiserver",
        (
            str(programs["kube-apiserver"]),
            f"--etcd-servers={_ETCD}",
            f"--service-cluster-ip-range={addresses.services}",
            f"--bind-address={addresses.node}",
            f"--advertise-address={addresses.node}",
            "--endpoint-reconciler-type=lease",
            f"--tls-cert-file={pki}/apiserver.crt",
            f"--tls-private-key-file={pki}/apiserver.key",
            f"--client-ca-file={pki}/ca.crt",
            f"--kubelet-client-certificate={pki}/admin.crt",
            f"--kubelet-client-key={pki}/admin.key",
            f"--kubelet-certificate-authority={pki}/ca.crt",
            "--kubelet-preferred-address-types=InternalIP",
            f"--service-account-key-file={pki}/sa.key",
            f"--service-account-signing-key-file={pki}/sa.key",
            "--service-account-issuer=https://kubernetes.default.svc",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
        ),
    )


def workers(paths: Paths, addresses: Addresses, programs: Programs) -> list[Daemon]:
    """All that need the API server."""
    admin, pki = f"--kubeconfig={paths.kubeconfig}", paths.pki
    controllers = (
        str(programs["kube-controller-manager"]),
        admin,
        f"--service-account-private-key-file={pki}/sa.key",
        f"--root-ca-file={pki}/ca.crt",
        f"--cluster-signing-cert-file={pki}/ca.crt",
        f"--cluster-signing-key-file={pki}/ca.key",
        "--use-service-account-credentials=true",
        "--leader-elect=false",
        "--bind-address=127.0.0.1",
    )
    scheduler = (str(programs["kube-scheduler"]), admin, "--leader-elect=false", "--bind-address=127.0.0.1")
    kubelet = (
        str(programs["kubelet"]),
        f"--config={paths.conf}/kubelet-config.json",
        f"--kubeconfig={paths.conf}/kubelet.json",
        f"--hostname-override={NODE_NAME}",
        f"--node-ip={addresses.node}",
        f"--root-dir={paths.state}/kubelet",
    )
    return [
        Daemon("kube-controller-manager", controllers),
        Daemon("kube-scheduler", scheduler),
        Daemon("kubelet", kubelet),
        Daemon("kube-proxy", (str(programs["kube-proxy"]), f"--config={paths.conf}/proxy-config.json")),
        Daemon("coredns", (str(programs["coredns"]), "-conf", f"{paths.conf}/Corefile")),
    ]


NAMES = (
    "containerd",
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kube-proxy",
    "coredns",
)
