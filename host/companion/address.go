package companion

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"time"
)

// errAddress is a name that resolves to where no webhook goes.
var errAddress = errors.New("an address that no webhook goes to unless it is named")

// dial connects to a host that may be called. The address is checked when the
// connection is made, after the name was resolved, so that a name which means
// something else a moment later gains nothing.
func dial(ctx context.Context, network, hostPort string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(hostPort)
	if err != nil {
		return nil, err
	}
	d := net.Dialer{
		Timeout:   10 * time.Second,
		KeepAlive: 30 * time.Second,
		Control:   func(_, address string, _ syscall.RawConn) error { return checkAddress(host, address) },
	}
	return d.DialContext(ctx, network, hostPort)
}

// checkAddress says why a connection to address, which host resolved to, is not made.
func checkAddress(host, address string) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %q", errAddress, address)
	}
	addr := at.Addr().WithZone("").Unmap()
	if named, err := netip.ParseAddr(host); err == nil && named.WithZone("").Unmap() == addr {
		return nil // the configuration names it
	}
	if strings.EqualFold(host, "localhost") && addr.IsLoopback() {
		return nil
	}
	for _, a := range []netip.Addr{addr, embedded(addr)} {
		if special(a) {
			return fmt.Errorf("%w: %s is %s", errAddress, host, addr)
		}
	}
	return nil
}

// metadata are the addresses, beside the link-local ones, at which clouds hand
// credentials to whoever asks.
var metadata = []netip.Addr{
	netip.MustParseAddr("100.100.100.200"), // Alibaba Cloud
	netip.MustParseAddr("168.63.129.16"),   // Azure
	netip.MustParseAddr("192.0.0.192"),     // Oracle Cloud
	netip.MustParseAddr("fd00:ec2::254"),   // AWS
	netip.MustParseAddr("fd20:ce::254"),    // Google Cloud
}

var thisNetwork = netip.MustParsePrefix("0.0.0.0/8")

func special(a netip.Addr) bool {
	if !a.IsValid() {
		return false
	}
	for _, m := range metadata {
		if a == m {
			return true
		}
	}
	return a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsMulticast() || a.IsUnspecified() ||
		thisNetwork.Contains(a) || a == netip.AddrFrom4([4]byte{255, 255, 255, 255})
}

var (
	nat64     = netip.MustParsePrefix("64:ff9b::/96") // RFC 6052
	sixToFour = netip.MustParsePrefix("2002::/16")    // RFC 3056
	compat    = netip.MustParsePrefix("::/96")        // RFC 4291, section 2.5.5.1
)

// embedded is the IPv4 address that an IPv6 one leads to, the zero Addr for none.
func embedded(a netip.Addr) netip.Addr {
	if !a.Is6() {
		return netip.Addr{}
	}
	b := a.As16()
	switch {
	case nat64.Contains(a), compat.Contains(a):
		return netip.AddrFrom4([4]byte(b[12:]))
	case sixToFour.Contains(a):
		return netip.AddrFrom4([4]byte(b[2:6]))
	}
	return netip.Addr{}
}
