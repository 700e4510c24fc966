//go:build tools

package binaries

import _ "helm.sh/helm/v3/cmd/helm"
