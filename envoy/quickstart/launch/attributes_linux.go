package main

import (
	"runtime"
	"syscall"
)

// The kernel kills a part when the thread that started it ends (Pdeathsig). So the
// main thread starts all parts: it lives as long as the launcher.
func init() { runtime.LockOSThread() }

// attributes puts a part into its own process group, so that only the launcher gets
// Ctrl-C and can end the parts in order. If the launcher is killed, the kernel kills
// the part.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
