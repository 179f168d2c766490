{{- define "companion.labels" -}}
app.kubernetes.io/name: rulegate-companion
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "companion.policy" -}}
{{- if and .Values.policy .Values.existingPolicy }}{{ fail "policy and existingPolicy: want one of them" }}{{ end -}}
{{- if not (or .Values.policy .Values.existingPolicy) }}{{ fail "want a policy: --set-file policy=policy.yaml, or existingPolicy" }}{{ end -}}
{{- .Values.existingPolicy | default .Release.Name -}}
{{- end }}

{{- define "companion.secret" -}}
{{- if and .Values.secret.existing .Values.secret.values }}{{ fail "secret.existing and secret.values: want one of them" }}{{ end -}}
{{- if .Values.secret.values }}{{ .Release.Name }}{{ else }}{{ .Values.secret.existing }}{{ end -}}
{{- end }}
