{{- define "testmesh.operator" -}}
{{- printf "%s-operator" .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "testmesh.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "testmesh.operator" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end -}}

{{- define "testmesh.selector" -}}
app.kubernetes.io/name: testmesh
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "testmesh.labels" -}}
{{ include "testmesh.selector" . }}
app.kubernetes.io/component: operator
app.kubernetes.io/part-of: testmesh
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{/* All that the operator may do where it serves. No Secrets: the kubelet brings them to the runner. */}}
{{- define "testmesh.rules" -}}
# Flows are read when they are used; their status says whether they are valid and how their runs went.
- apiGroups: [testmesh.io]
  resources: [testflows, testruns]
  verbs: [get, list, watch]
- apiGroups: [testmesh.io]
  resources: [testflows/status, testruns/status]
  verbs: [patch]
# A run is a Job; it is deleted only where its runner has not started and must not start late.
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, list, watch, create, delete]
# The verdict stands in the pod's status. A cancelled run's pod gets a deadline of 1 s, which keeps pod and verdict.
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch, patch]
# The snapshot of a run, and the ConfigMap that a TestFlow names in flowFrom.
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get, create]
# How a run ended, said as an Event; and why a Job could make no pod, which stands only in Events.
- apiGroups: [""]
  resources: [events]
  verbs: [create, list]
{{- end -}}
