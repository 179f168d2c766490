//go:build !wasip1

package token

import "sync"

type mutex = sync.Mutex
