package manifests

import (
	ctx "context"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
)

func context() ctx.Context { return ctx.Background() }

const charts = "../../envoy/deploy/charts/"

const policy = "project: shop\nroutes:\n  - {match: {path: /}, rule: {rule: deny, error: '{{ not a template }}'}}\n"

// render is `helm template`.
func render(chart string, values map[string]any) (string, error) {
	c, err := loader.Load(charts + chart)
	if err != nil {
		return "", err
	}
	install := action.NewInstall(&action.Configuration{Log: func(string, ...any) {}})
	install.DryRun, install.ClientOnly, install.ReleaseName, install.Namespace = true, true, "companion", "shop"
	install.KubeVersion = &chartutil.KubeVersion{Version: "v1.34.0", Major: "1", Minor: "34"}
	release, err := install.Run(c, values)
	if err != nil {
		return "", err
	}
	return release.Manifest, nil
}

type values = map[string]any

var companion = values{
	"policy":        policy,
	"image":         values{"reference": "registry.example/rulegate-command@sha256:" + strings.Repeat("a", 64)},
	"secret":        values{"existing": "rulegate"},
	"networkPolicy": values{"clients": []any{values{"namespaceSelector": values{"matchLabels": values{"name": "envoy-gateway-system"}}}}},
}

func with(more values) values {
	out := values{}
	for k, v := range companion {
		out[k] = v
	}
	for k, v := range more {
		out[k] = v
	}
	return out
}

func TestLint(t *testing.T) {
	for chart, v := range map[string]values{"rulegate-companion": companion, "rulegate-module": {"manifests": pinned}} {
		result := lint.AllWithKubeVersion(charts+chart, v, "shop", &chartutil.KubeVersion{Version: "v1.34.0", Major: "1", Minor: "34"})
		for _, m := range result.Messages {
			if m.Severity >= support.WarningSev {
				t.Errorf("%s: %v", chart, m)
			}
		}
	}
}

const pinned = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {image: \"registry.example/rulegate@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\", text: '{{ .Values }}'}\n"

func TestCompanionChart(t *testing.T) {
	for name, c := range map[string]struct {
		values values
		kinds  string
	}{
		"by default": {companion, "ConfigMap Deployment HorizontalPodAutoscaler NetworkPolicy PodDisruptionBudget Service ServiceAccount"},
		"everything": {with(values{
			"secret":         values{"values": values{"JWT_SECRET": "0123456789abcdef"}},
			"tls":            values{"existing": "companion-tls", "clientCA": true},
			"serviceMonitor": values{"enabled": true, "labels": values{"release": "prometheus"}},
			"image":          values{"reference": "a", "pullSecrets": []any{values{"name": "pull"}}},
			"podAnnotations": values{"a": "b"}, "nodeSelector": values{"a": "b"}, "tolerations": []any{values{"operator": "Exists"}},
			"affinity":       values{"podAntiAffinity": values{}},
			"volumes":        []any{values{"name": "social", "configMap": values{"name": "social"}}},
			"volumeMounts":   []any{values{"name": "social", "mountPath": "/data", "readOnly": true}},
			"serviceAccount": values{"annotations": values{"a": "b"}},
			"networkPolicy":  values{"clients": []any{values{"podSelector": values{}}}, "prometheus": []any{values{"podSelector": values{}}}},
		}), "ConfigMap Deployment HorizontalPodAutoscaler NetworkPolicy PodDisruptionBudget Secret Service ServiceAccount ServiceMonitor"},
		"little": {with(values{"autoscaling": values{"enabled": false}, "disruptionBudget": values{"enabled": false}, "networkPolicy": values{"enabled": false}, "policy": "", "existingPolicy": "shop"}),
			"Deployment Service ServiceAccount"},
		"nobody may call": {with(values{"networkPolicy": values{"clients": []any{}}}), "ConfigMap Deployment HorizontalPodAutoscaler NetworkPolicy PodDisruptionBudget Service ServiceAccount"},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := render("rulegate-companion", c.values)
			if err != nil {
				t.Fatal(err)
			}
			all := resources(t, text)
			var kinds []string
			for n := range all {
				kinds = append(kinds, n[:strings.IndexByte(n, '/')])
			}
			if got := sorted(kinds); got != c.kinds {
				t.Errorf("want %s, found %s", c.kinds, got)
			}
			container := follow(t, all["Deployment/companion"], "spec", "template", "spec", "containers", 0)
			secured := follow(t, container, "securityContext").(map[string]any)
			if secured["readOnlyRootFilesystem"] != true || secured["allowPrivilegeEscalation"] != false {
				t.Errorf("%v", secured)
			}
			for _, probe := range []string{"startupProbe", "livenessProbe", "readinessProbe"} {
				follow(t, container, probe, "httpGet", "path")
			}
			follow(t, container, "resources", "limits", "memory")
			if name == "everything" {
				spec := []any{"spec", "template", "spec"}
				if got := follow(t, all["Deployment/companion"], append(spec, "volumes", 2, "configMap", "name")...); got != "social" {
					t.Errorf("volumes: %v", got)
				}
				if got := follow(t, container, "volumeMounts", 2, "mountPath"); got != "/data" {
					t.Errorf("volumeMounts: %v", got)
				}
			}
			if m := all["ConfigMap/companion"]; m != nil && follow(t, m, "data", "policy.yaml") != policy {
				t.Errorf("the policy was changed: %v", m)
			}
			if n := all["NetworkPolicy/companion"]; n != nil && name == "nobody may call" {
				if in, ok := follow(t, n, "spec", "ingress").([]any); !ok || len(in) != 0 {
					t.Errorf("somebody may call: %v", n)
				}
			}
		})
	}
}

func TestChartsRefuse(t *testing.T) {
	for name, c := range map[string]struct {
		chart  string
		values values
		want   string
	}{
		"no policy":       {"rulegate-companion", with(values{"policy": ""}), "want a policy"},
		"two policies":    {"rulegate-companion", with(values{"existingPolicy": "a"}), "want one of them"},
		"no image":        {"rulegate-companion", with(values{"image": values{}}), "want image.reference"},
		"two secrets":     {"rulegate-companion", with(values{"secret": values{"existing": "a", "values": values{"A": "b"}}}), "want one of them"},
		"a misspelt key":  {"rulegate-companion", with(values{"replica": 2}), "replica"},
		"a wrong type":    {"rulegate-companion", with(values{"replicas": "two"}), "replicas"},
		"no manifests":    {"rulegate-module", values{}, "--set-file manifests=FILE"},
		"no digest":       {"rulegate-module", values{"manifests": "kind: A"}, "by its digest"},
		"nothing refused": {"rulegate-module", values{"manifests": pinned}, ""},
	} {
		_, err := render(c.chart, c.values)
		switch {
		case err == nil && c.want != "":
			t.Errorf("%s: rendered", name)
		case err != nil && (c.want == "" || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: want %q, found %v", name, c.want, err)
		}
	}
}

// The manifests pass the chart of the module as they are, templates in them too.
func TestModuleChart(t *testing.T) {
	text, err := render("rulegate-module", values{"manifests": pinned})
	if err != nil {
		t.Fatal(err)
	}
	if got := follow(t, resources(t, text)["ConfigMap/a"], "data", "text"); got != "{{ .Values }}" {
		t.Errorf("%v", got)
	}
}
