//go:build !wasip1

package keys

import "sync"

// Mutex is a sync.Mutex; in the module, which has one thread, it is nothing.
type Mutex = sync.Mutex
