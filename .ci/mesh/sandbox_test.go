package mesh

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// The test binary runs twice: outside, it makes the namespaces and starts itself in them;
// inside, it is process 1 and runs the tests.
const inside = "RULEGATE_MESH_WORK" // the work folder, which is set inside only

func TestMain(m *testing.M) {
	only := flag.Bool("needs", false, "only say which programs are missing")
	flag.Parse()
	if *only {
		if err := needs(); err != nil {
			fmt.Fprintln(os.Stderr, "mesh:", err)
			os.Exit(1)
		}
		return
	}
	run := outside
	if os.Getenv(inside) != "" {
		run = func() error { return prepare(os.Getenv(inside)) }
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "mesh:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// programs are those of the system, with their Debian packages.
var programs = []struct{ name, pack string }{
	{"conntrack", "conntrack"}, {"containerd", "containerd"}, {"ctr", "containerd"},
	{"etcd", "etcd-server"}, {"ip", "iproute2"}, {"iptables", "iptables"},
	{"ldd", "libc-bin"}, {"runc", "runc"}, {"/usr/lib/cni/bridge", "containernetworking-plugins"},
}

// needs reports what the machine lacks.
func needs() error {
	if os.Geteuid() != 0 {
		return errors.New("want root, for namespaces and containers: sudo -E make test-mesh")
	}
	var packages []string
	for _, p := range programs {
		if _, err := exec.LookPath(p.name); err != nil && !slices.Contains(packages, p.pack) {
			packages = append(packages, p.pack)
		}
	}
	if packages != nil {
		return errors.New("programs are missing. Install them:\n  apt-get install -y --no-install-recommends " + strings.Join(packages, " "))
	}
	return nil
}

// outside runs the tests in namespaces, and exits with their code. It returns an error if
// it cannot start them.
func outside() error {
	if err := needs(); err != nil {
		return err
	}
	for _, name := range []string{"RULEGATE_MESH_PROGRAMS", "ENVOY"} {
		if os.Getenv(name) == "" {
			return fmt.Errorf("$%s is not set: run the tests by `make test-mesh`", name)
		}
	}
	// The inner process dies with the thread that started it, so the thread must stay.
	runtime.LockOSThread()
	work, err := os.MkdirTemp("", "mesh")
	if err != nil {
		return err
	}
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.Env = append(environment(), inside+"="+work)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS,
		Pdeathsig:  syscall.SIGKILL,
		Setpgid:    true, // Ctrl-C goes to this process only
	}
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt, syscall.SIGTERM)
	if err := cmd.Start(); err != nil {
		os.RemoveAll(work)
		return fmt.Errorf("namespaces: %w: want the capability CAP_SYS_ADMIN", err)
	}
	go func() {
		<-interrupted
		cmd.Process.Kill() // and so all processes inside
	}()
	err = cmd.Wait()
	removeGroups()
	if err := os.RemoveAll(work); err != nil {
		fmt.Fprintln(os.Stderr, "mesh:", err)
	}
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.Exited() {
		os.Exit(exit.ExitCode())
	}
	if err == nil {
		os.Exit(0)
	}
	return fmt.Errorf("the tests ended by %w", err)
}

// environment leaves out the variables for proxies: there is no network inside.
func environment() (out []string) {
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); !strings.HasSuffix(strings.ToLower(name), "_proxy") {
			out = append(out, v)
		}
	}
	return out
}

// removeGroups removes the control groups of the ended containers. They are the only
// thing that namespaces do not hide.
func removeGroups() {
	roots, _ := filepath.Glob("/sys/fs/cgroup/*/k8s.io")
	for _, root := range append(roots, "/sys/fs/cgroup/k8s.io") {
		var folders []string
		filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				folders = append(folders, path)
			}
			return nil
		})
		for _, f := range slices.Backward(folders) {
			os.Remove(f) // fails if a process is in it
		}
	}
}

// node is the address of the machine inside, on the bridge that the pods hang on.
const node = "10.88.0.1"

// prepare hides the machine's folders that programs write to, and makes the network: the
// loopback interface and a bridge, with a default route that leads nowhere, which some
// programs want.
func prepare(work string) error {
	layers := filepath.Join(work, "layers")
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("mount /: %w", err)
	}
	if err := errors.Join(os.Mkdir(layers, 0o755), os.Mkdir(filepath.Join(work, "log"), 0o755)); err != nil {
		return err
	}
	// Nothing listens at this name server, so each question for a name fails at once. One
	// that cannot be reached would be waited for.
	names := filepath.Join(work, "resolv.conf")
	if err := os.WriteFile(names, []byte("nameserver 127.0.0.1\n"), 0o644); err != nil {
		return err
	}
	if err := syscall.Mount(names, "/etc/resolv.conf", "", syscall.MS_BIND, ""); err != nil {
		return fmt.Errorf("mount /etc/resolv.conf: %w", err)
	}
	upper, index := filepath.Join(layers, "upper"), filepath.Join(layers, "index")
	for _, m := range []struct{ source, target, kind, data string }{
		{"proc", "/proc", "proc", ""},
		{"tmpfs", layers, "tmpfs", ""},
		{"tmpfs", "/run", "tmpfs", "mode=755"},
		{"tmpfs", "/var/log", "tmpfs", "mode=755"},
		// The kubelet and Istio's agent write to /var/lib: their files go to an upper layer.
		{"overlay", "/var/lib", "overlay", "lowerdir=/var/lib,upperdir=" + upper + ",workdir=" + index},
	} {
		if err := syscall.Mount(m.source, m.target, m.kind, 0, m.data); err != nil {
			return fmt.Errorf("mount %s: %w", m.target, err)
		}
		if m.target == layers {
			if err := errors.Join(os.Mkdir(upper, 0o755), os.Mkdir(index, 0o755)); err != nil {
				return err
			}
		}
	}
	for _, line := range []string{
		"ip link set lo up",
		"ip link add mesh0 type bridge",
		"ip addr add " + node + "/24 dev mesh0",
		"ip link set mesh0 up",
		"ip route add default via 10.88.0.254 dev mesh0",
	} {
		words := strings.Fields(line)
		if out, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", line, err, out)
		}
	}
	return os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0o644)
}
