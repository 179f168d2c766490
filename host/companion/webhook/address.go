package webhook

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"time"
)

// errAddress refuses a host whose name resolves to a special address.
var errAddress = errors.New("webhooks go to this address only when the configuration names it")

// dial connects to an allowed host. It checks the address after the name was
// resolved, for the very connection that is made, so that a name which resolves
// differently a moment later (DNS rebinding) does not pass.
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

// checkAddress refuses a special address to which host resolved, unless the
// configuration names that address.
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

// metadata are the addresses, besides the link-local ones, at which clouds give
// credentials to any process that asks.
var metadata = []netip.Addr{
	netip.MustParseAddr("100.100.100.200"), // Alibaba Cloud
	netip.MustParseAddr("168.63.129.16"),   // Azure
	netip.MustParseAddr("192.0.0.192"),     // Oracle Cloud
	netip.MustParseAddr("fd00:ec2::254"),   // AWS
	netip.MustParseAddr("fd20:ce::254"),    // Google Cloud
}

var thisNetwork = netip.MustParsePrefix("0.0.0.0/8")

// special reports whether a is an address of this machine, of its network segment
// or of a metadata service.
func special(a netip.Addr) bool {
	if !a.IsValid() {
		return false
	}
	return slices.Contains(metadata, a) || a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsMulticast() || a.IsUnspecified() ||
		thisNetwork.Contains(a) || a == netip.AddrFrom4([4]byte{255, 255, 255, 255})
}

var (
	nat64     = netip.MustParsePrefix("64:ff9b::/96") // RFC 6052
	sixToFour = netip.MustParsePrefix("2002::/16")    // RFC 3056
	compat    = netip.MustParsePrefix("::/96")        // RFC 4291, section 2.5.5.1
)

// embedded returns the IPv4 address to which a translated IPv6 address leads, or
// the zero Addr.
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
