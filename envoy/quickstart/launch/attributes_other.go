//go:build unix && !linux

package main

import "syscall"

// attributes puts a part into its own process group, so that only the launcher gets
// Ctrl-C and can end the parts in order.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
