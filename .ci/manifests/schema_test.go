package manifests

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apimachinery/pkg/util/yaml"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/client-go/kubernetes/scheme"
)

// The modules whose custom resources are used, and the files with their schemas.
var sources = []struct{ module, files string }{
	{"github.com/envoyproxy/gateway@v1.9.1", "charts/gateway-helm/charts/crds/crds/*.yaml"},
	{"github.com/envoyproxy/gateway@v1.9.1", "charts/gateway-helm/charts/crds/crds/generated/*.yaml"},
	{"istio.io/istio@v0.0.0-20260827124520-eed52ebb66ad", "manifests/charts/base/files/crd-all.gen.yaml"},
	{"github.com/cert-manager/cert-manager@v1.21.2", "deploy/crds/*.yaml"},
	{"github.com/prometheus-operator/prometheus-operator@v0.85.0", "example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml"},
}

// crd is a version of a custom resource.
type crd struct {
	schema    *apiextensions.JSONSchemaProps
	structure *schema.Structural
}

// crds are the custom resources by apiVersion and kind.
var crds = sync.OnceValues(func() (map[string]crd, error) {
	out := map[string]crd{}
	for _, s := range sources {
		dir, err := moduleDir(s.module)
		if err != nil {
			return nil, err
		}
		files, _ := filepath.Glob(filepath.Join(dir, s.files))
		for _, file := range files {
			if err := readCRDs(out, file); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
})

func moduleDir(module string) (string, error) {
	cmd := exec.Command("go", "mod", "download", "-json", module)
	cmd.Dir = os.TempDir()
	text, err := cmd.Output()
	if err != nil {
		return "", errors.New(module + ": " + err.Error() + string(text))
	}
	var m struct{ Dir string }
	return m.Dir, json.Unmarshal(text, &m)
}

func readCRDs(out map[string]crd, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), 4096)
	for {
		var d apiextensionsv1.CustomResourceDefinition
		if err := decoder.Decode(&d); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		for _, v := range d.Spec.Versions {
			if d.Kind != "CustomResourceDefinition" || v.Schema == nil {
				continue
			}
			props := &apiextensions.JSONSchemaProps{}
			if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(v.Schema.OpenAPIV3Schema, props, nil); err != nil {
				return err
			}
			structure, err := schema.NewStructural(props)
			if err != nil {
				return err
			}
			out[d.Spec.Group+"/"+v.Name+" "+d.Spec.Names.Kind] = crd{props, structure}
		}
	}
}

var strict = serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer()

// resources validates manifests as an API server does that is strict about unknown
// fields, and returns them by kind and name.
func resources(t *testing.T, text string) map[string]map[string]any {
	t.Helper()
	known, err := crds()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]map[string]any{}
	for _, document := range strings.Split("\n"+text, "\n---") {
		var object map[string]any
		if err := yaml.Unmarshal([]byte(document), &object); err != nil {
			t.Fatalf("%v\n%s", err, document)
		}
		if len(object) == 0 {
			continue
		}
		u := unstructured.Unstructured{Object: object}
		name := u.GetKind() + "/" + u.GetName()
		if out[name] != nil {
			t.Errorf("%s: twice", name)
		}
		out[name] = object
		for _, fault := range faults(known, u) {
			t.Errorf("%s: %v\n%s", name, fault, document)
		}
	}
	return out
}

func faults(known map[string]crd, u unstructured.Unstructured) (out []string) {
	c, custom := known[u.GetAPIVersion()+" "+u.GetKind()]
	if !custom {
		// A kind of Kubernetes itself: its type is its schema.
		text, err := json.Marshal(u.Object)
		if err == nil {
			_, _, err = strict.Decode(text, nil, nil)
		}
		if err != nil {
			out = append(out, err.Error())
		}
		return out
	}
	validator, _, err := validation.NewSchemaValidator(c.schema)
	if err != nil {
		return []string{err.Error()}
	}
	for _, e := range validation.ValidateCustomResource(nil, u.Object, validator) {
		out = append(out, e.Error())
	}
	if rules := cel.NewValidator(c.structure, true, celconfig.PerCallLimit); rules != nil {
		// The rules see the object with its defaults.
		whole := u.DeepCopy().Object
		defaulting.Default(whole, c.structure)
		list, _ := rules.Validate(context(), field.NewPath(""), c.structure, whole, nil, celconfig.RuntimeCELCostBudget)
		for _, e := range list {
			out = append(out, e.Error())
		}
	}
	copied := u.DeepCopy().Object
	unknown := pruning.PruneWithOptions(copied, c.structure, true, schema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
	for _, path := range unknown {
		out = append(out, "unknown field "+path)
	}
	return out
}

// TestSchemas: the schemas refuse a misspelt field, a wrong type and a broken rule.
func TestSchemas(t *testing.T) {
	known, err := crds()
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"{apiVersion: gateway.envoyproxy.io/v1alpha1, kind: EnvoyExtensionPolicy, metadata: {name: a}, spec: {targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: eg}], wasm: [{name: r, rootId: r, code: {type: Image, image: {url: a}}}]}}": "unknown field spec.wasm[0].rootId",
		"{apiVersion: gateway.envoyproxy.io/v1alpha1, kind: ClientTrafficPolicy, metadata: {name: a}, spec: {targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: eg}], path: {escapedSlashesAction: Keep}}}":                                  "Unsupported value",
		"{apiVersion: gateway.envoyproxy.io/v1alpha1, kind: ClientTrafficPolicy, metadata: {name: a}, spec: {targetRefs: [{group: gateway.networking.k8s.io, kind: Service, name: eg}]}}":                                                                      "Gateway",
		"{apiVersion: networking.istio.io/v1alpha3, kind: EnvoyFilter, metadata: {name: a}, spec: {configPatches: [{applyTo: FILTER}]}}":                                                                                                                       "Unsupported value",
		"{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}, spec: {replicas: 1, replica: 2}}":                                                                                                                                                        `unknown field "spec.replica"`,
		"{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {ports: 1}}":                                                                                                                                                                               "cannot unmarshal",
		"{apiVersion: monitoring.coreos.com/v1, kind: ServiceMonitor, metadata: {name: a}, spec: {selector: {}, endpoints: [{ports: a}]}}":                                                                                                                     "unknown field",
		"{apiVersion: cert-manager.io/v1, kind: Certificate, metadata: {name: a}, spec: {secretName: a, issuerRef: {name: a}, dnsName: [a]}}":                                                                                                                  "unknown field spec.dnsName",
		"{apiVersion: cert-manager.io/v1, kind: ClusterIssuer, metadata: {name: a}, spec: {acme: {server: a, privateKeySecretRef: {name: a}, solvers: [{http01: {ingress: {ingressClassName: 1}}}]}}}":                                                         "must be of type string",
		"{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {name: a}, spec: {gatewayClassName: eg, listeners: [{name: a, port: 443, protocol: HTTPS, tls: {certificateRefs: [{nam: a}]}}]}}":                                                 "Required value",
		"{apiVersion: networking.istio.io/v1, kind: Gateway, metadata: {name: a}, spec: {servers: [{port: {number: 443, name: a, protocol: HTTPS}, hosts: [a], tls: {credentialsName: a}}]}}":                                                                  "unknown field spec.servers[0].tls.credentialsName",
		"{apiVersion: example.org/v1, kind: None, metadata: {name: a}}":                                                                                                                                                                                        "no kind",
	} {
		var object map[string]any
		if err := yaml.Unmarshal([]byte(text), &object); err != nil {
			t.Fatal(err)
		}
		found := faults(known, unstructured.Unstructured{Object: object})
		if !strings.Contains(strings.Join(found, "\n"), want) {
			t.Errorf("%s: want %q, found %q", text, want, found)
		}
	}
}
