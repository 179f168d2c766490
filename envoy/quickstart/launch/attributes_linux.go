package main

import (
	"runtime"
	"syscall"
)

// The kernel ends a part with the thread that started it, so all are started
// by the main one, which lives as long as the launcher.
func init() { runtime.LockOSThread() }

// attributes put a part in a process group of its own, so that Ctrl-C reaches
// the launcher alone and the parts end in order; one that is orphaned all the
// same, because the launcher was killed, is ended by the kernel.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
