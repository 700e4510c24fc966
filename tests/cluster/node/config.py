"""The daemons' configuration files, as text or as values that are written as JSON (which is YAML)."""

import base64
import json
from pathlib import Path

from cluster.node.addresses import Addresses
from cluster.node.paths import Paths

NODE_NAME = "node"
PAUSE_IMAGE = "localhost/pause:1"
CNI_PLUGINS = Path("/usr/lib/cni")

Json = dict[str, object]


def write(paths: Paths, addresses: Addresses, *, name: str, images: Path) -> None:
    """Write every file. The keys and certificates stand already.

    Args:
        paths: the node's files.
        addresses: the node's network.
        name: the node's name among the nodes of this machine.
        images: containerd's own folder of images, which outlives the node.
    """
    cni = paths.conf / "cni"
    cni.mkdir(parents=True)
    (cni / "10-pods.conflist").write_text(json.dumps(pod_network(paths, addresses, name)))
    (paths.conf / "containerd.toml").write_text(containerd(paths, images))
    (paths.conf / "resolv.conf").write_text(f"nameserver {addresses.dns_service}\n")
    (paths.conf / "kubelet-config.json").write_text(json.dumps(kubelet(paths, addresses, name)))
    (paths.conf / "proxy-config.json").write_text(json.dumps(proxy(paths, addresses)))
    (paths.conf / "Corefile").write_text(corefile(paths))
    for user in ("admin", "kubelet"):
        file = paths.conf / f"{user}.json"
        file.touch(mode=0o600)
        file.write_text(json.dumps(kubeconfig(paths, addresses, user)))


def network_name(name: str) -> str:
    """The pods' network of this node: its name in what CNI keeps outside of the state folder."""
    return f"testmesh-{name}"


def cgroup(name: str) -> str:
    """The control group of all pods of this node: two kubelets in one would remove each other's pods."""
    return f"testmesh-{name}"


def containerd(paths: Paths, images: Path) -> str:
    """Own root, state and socket, so that a containerd of the machine never meets it."""
    cri = 'plugins."io.containerd.grpc.v1.cri"'
    return f"""\
version = 2
root = "{images}"
state = "{paths.runtime}"
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.btrfs", \
"io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.aufs"]
[grpc]
  address = "{paths.socket}"
[{cri}]
  sandbox_image = "{PAUSE_IMAGE}"
  # Without CAP_SYS_RESOURCE runc dies at the sandbox: "can't get final child's PID from pipe".
  restrict_oom_score_adj = true
  # Else in /run/netns, where those of other programs are.
  netns_mounts_under_state_dir = true
  [{cri}.cni]
    bin_dir = "{CNI_PLUGINS}"
    conf_dir = "{paths.conf}/cni"
  [{cri}.containerd]
    snapshotter = "overlayfs"
    [{cri}.containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [{cri}.containerd.runtimes.runc.options]
        SystemdCgroup = false
"""


def pod_network(paths: Paths, addresses: Addresses, name: str) -> Json:
    """A veth pair for each pod, routed: no bridge, so nothing depends on br_netfilter being there."""
    ranges = [[{"subnet": str(addresses.pods)}]]
    ipam = {"type": "host-local", "dataDir": f"{paths.state}/cni", "ranges": ranges, "routes": [{"dst": "0.0.0.0/0"}]}
    plugins = [{"type": "ptp", "ipam": ipam}, {"type": "portmap", "capabilities": {"portMappings": True}}]
    return {"cniVersion": "0.4.0", "name": network_name(name), "plugins": plugins}


def kubelet(paths: Paths, addresses: Addresses, name: str) -> Json:
    """Everything under the state folder; nothing is evicted on a machine whose disk is nearly full."""
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{cgroup(name)}",
        "failSwapOn": False,
        "containerRuntimeEndpoint": f"unix://{paths.socket}",
        "address": str(addresses.node),
        "healthzBindAddress": "127.0.0.1",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": f"{paths.pki}/ca.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": f"{paths.pki}/kubelet.crt",
        "tlsPrivateKeyFile": f"{paths.pki}/kubelet.key",
        "clusterDNS": [str(addresses.dns_service)],
        "clusterDomain": "cluster.local",
        "resolvConf": f"{paths.conf}/resolv.conf",
        "podLogsDir": f"{paths.state}/pods",
        "volumePluginDir": f"{paths.state}/volume-plugins",
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "maxPods": 240,
    }


def proxy(paths: Paths, addresses: Addresses) -> Json:
    """Use iptables of the node's own network namespace; conntrack's sysctls may be read-only and stay."""
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "iptables",
        "clientConnection": {"kubeconfig": str(paths.kubeconfig)},
        "clusterCIDR": str(addresses.pods),
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
        "hostnameOverride": NODE_NAME,
        "healthzBindAddress": f"{addresses.node}:10256",
        "metricsBindAddress": "127.0.0.1:10249",
    }


def corefile(paths: Paths) -> str:
    """Names of the cluster; any other does not exist, at once: there is no way out to ask for it."""
    return f"""\
cluster.local in-addr.arpa {{
  errors
  ready :8181
  cache 5
  kubernetes {{
    kubeconfig {paths.kubeconfig}
    ttl 5
  }}
}}
. {{
  errors
  template ANY ANY {{
    rcode NXDOMAIN
  }}
}}
"""


def kubeconfig(paths: Paths, addresses: Addresses, user: str) -> Json:
    """Credentials with the certificates inside, so that the one file can be handed on."""

    def data(file: str) -> str:
        return base64.b64encode((paths.pki / file).read_bytes()).decode()

    cluster = {"server": f"https://{addresses.node}:6443", "certificate-authority-data": data("ca.crt")}
    credentials = {"client-certificate-data": data(f"{user}.crt"), "client-key-data": data(f"{user}.key")}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "testmesh", "cluster": cluster}],
        "users": [{"name": user, "user": credentials}],
        "contexts": [{"name": "testmesh", "context": {"cluster": "testmesh", "user": user}}],
        "current-context": "testmesh",
    }


def dns_objects(addresses: Addresses) -> list[tuple[str, Json]]:
    """The Service `kube-dns` before the CoreDNS that runs on the node, each with its path in the API."""
    ports = [{"name": "dns", "port": 53, "protocol": "UDP"}, {"name": "dns-tcp", "port": 53, "protocol": "TCP"}]
    service: Json = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "kube-dns", "namespace": "kube-system"},
        "spec": {"clusterIP": str(addresses.dns_service), "ports": ports},
    }
    labels = {"kubernetes.io/service-name": "kube-dns"}
    endpoints: Json = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": "kube-dns-node", "namespace": "kube-system", "labels": labels},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [str(addresses.node)]}],
        "ports": ports,
    }
    return [
        ("/api/v1/namespaces/kube-system/services/kube-dns", service),
        ("/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices/kube-dns-node", endpoints),
    ]
