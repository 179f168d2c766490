package mesh

import (
	"os"
	"path/filepath"
	"sync"
	"time"
)

// cluster makes a Kubernetes of one node around the API server: containerd, the
// controllers, the scheduler, the kubelet, kube-proxy, and CoreDNS.
var cluster = sync.OnceValue(func() error {
	if err := api(); err != nil {
		return err
	}
	if err := startContainers(); err != nil {
		return err
	}
	for _, p := range [][]string{
		{"kube-controller-manager", "--kubeconfig", work("kubeconfig"), "--bind-address", "127.0.0.1", "--leader-elect=false", "--cert-dir", work("certs"),
			"--service-account-private-key-file", work("sa.key"), "--root-ca-file", work("certs", "apiserver.crt")},
		{"kube-scheduler", "--kubeconfig", work("kubeconfig"), "--bind-address", "127.0.0.1", "--leader-elect=false", "--cert-dir", work("certs")},
		{"kubelet", "--config", work("kubelet.yaml"), "--kubeconfig", work("kubeconfig"), "--hostname-override", "mesh", "--node-ip", node,
			"--cert-dir", work("certs"), "--root-dir", work("kubelet")},
		{"kube-proxy", "--kubeconfig", work("kubeconfig"), "--hostname-override", "mesh", "--cluster-cidr", "10.88.0.0/24", "--masquerade-all",
			// These settings of the kernel can be read only, in a network namespace.
			"--conntrack-max-per-core", "0", "--metrics-bind-address", "127.0.0.1:10249", "--healthz-bind-address", "127.0.0.1:10256"},
	} {
		if _, err := launch(p[0], nil, append([]string{program("kubernetes")}, p...)...); err != nil {
			return err
		}
	}
	if err := within(2*time.Minute, nil, func() error {
		_, err := output("", kubectl("wait", "--for=condition=Ready", "node/mesh", "--timeout=1s")...)
		return err
	}); err != nil {
		return err
	}
	if err := within(time.Minute, nil, func() error {
		_, err := output("", kubectl("get", "serviceaccount", "default", "-n", "shop")...)
		return err
	}); err != nil {
		return err
	}
	_, err := output(nameServer, kubectl("apply", "-f", "-")...)
	return err
})

// startContainers starts containerd and gives it the images of the tests. The node has no
// registry.
func startContainers() error {
	for name, text := range map[string]string{
		"containerd.toml": `version = 2
root = "` + work("containerd") + `"
state = "/run/containerd"
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs", "io.containerd.tracing.processor.v1.otlp"]
[grpc]
  address = "/run/containerd/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:1"
  # Root may lack the capability CAP_SYS_RESOURCE here.
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "` + work("cni") + `"
[plugins."io.containerd.internal.v1.opt"]
  path = "` + work("containerd", "opt") + `"
`,
		"cni/mesh.conflist": `{"cniVersion": "0.4.0", "name": "mesh", "plugins": [
  {"type": "bridge", "bridge": "mesh0", "isGateway": true, "hairpinMode": true,
   "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.88.0.0/24", "rangeStart": "10.88.0.2", "rangeEnd": "10.88.0.250"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
`,
		// The control groups are the machine's, so the kubelet leaves them alone.
		"kubelet.yaml": `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: ` + node + `
authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
authorization: {mode: AlwaysAllow}
cgroupDriver: cgroupfs
cgroupsPerQOS: false
enforceNodeAllocatable: []
failSwapOn: false
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
clusterDNS: [10.96.0.10]
clusterDomain: cluster.local
resolvConf: ""
imageGCHighThresholdPercent: 100
evictionHard: {nodefs.available: "1%", imagefs.available: "1%", memory.available: "100Mi"}
`,
	} {
		if err := os.MkdirAll(filepath.Dir(work(name)), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(work(name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	containerd, err := launch("containerd", nil, "containerd", "-c", work("containerd.toml"))
	if err != nil {
		return err
	}
	if err := within(time.Minute, containerd, func() error { _, err := output("", "ctr", "version"); return err }); err != nil {
		return err
	}
	for _, i := range []scratchImage{
		{tag: "localhost/pause:1", program: program("pause"), path: "/pause"},
		{tag: "localhost/coredns:1", program: program("coredns"), path: "/coredns"},
		{tag: "localhost/upstream:1", program: command("quickstart/upstream"), path: "/upstream"},
		{tag: "localhost/rulegate:1", program: command("rulegate"), path: "/rulegate", user: "65532:65532"},
		{tag: "localhost/envoy:v1.40.0", program: os.Getenv("ENVOY"), path: "/usr/local/bin/envoy"},
		{tag: "localhost/envoy-gateway:1", program: program("envoy-gateway"), path: "/usr/local/bin/envoy-gateway", user: "65532:65532",
			files: []string{"/etc/ssl/certs/ca-certificates.crt"}},
	} {
		if err := i.load(); err != nil {
			return err
		}
	}
	return nil
}

const nameServer = `apiVersion: v1
kind: ServiceAccount
metadata: {name: coredns, namespace: kube-system}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: coredns}
rules:
  - {apiGroups: [""], resources: [endpoints, services, pods, namespaces], verbs: [list, watch]}
  - {apiGroups: [discovery.k8s.io], resources: [endpointslices], verbs: [list, watch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: coredns}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: coredns}
subjects: [{kind: ServiceAccount, name: coredns, namespace: kube-system}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: coredns, namespace: kube-system}
data:
  Corefile: |
    .:53 {
        errors
        ready
        kubernetes cluster.local
        cache 5
    }
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: coredns, namespace: kube-system}
spec:
  selector: {matchLabels: {app: coredns}}
  template:
    metadata: {labels: {app: coredns}}
    spec:
      serviceAccountName: coredns
      containers:
        - name: coredns
          image: localhost/coredns:1
          imagePullPolicy: Never
          args: [-conf, /config/Corefile]
          readinessProbe: {httpGet: {path: /ready, port: 8181}, periodSeconds: 1}
          volumeMounts: [{name: config, mountPath: /config}]
      volumes: [{name: config, configMap: {name: coredns}}]
---
apiVersion: v1
kind: Service
metadata: {name: coredns, namespace: kube-system}
spec:
  clusterIP: 10.96.0.10
  selector: {app: coredns}
  ports: [{name: udp, port: 53, protocol: UDP}, {name: tcp, port: 53, protocol: TCP}]
`
