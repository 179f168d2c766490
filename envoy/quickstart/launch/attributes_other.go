//go:build unix && !linux

package main

import "syscall"

// attributes put a part in a process group of its own, so that Ctrl-C reaches
// the launcher alone and the parts end in order.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
