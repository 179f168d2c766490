// Command pebble is an ACME server for tests and trials: Pebble, the one that Let's
// Encrypt makes for that, with a DNS server that answers 127.0.0.1 for each name. It runs
// until SIGTERM.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/letsencrypt/challtestsrv"
	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:14000", "address of the ACME server; its directory is https://ADDRESS/dir")
	answer := flag.String("http", "127.0.0.1:80", "address where it looks for the answers to its challenges; each name leads to 127.0.0.1")
	dir := flag.String("dir", ".", "folder for server.pem, which clients of the ACME server trust, and root.pem, which signs what it issues")
	valid := flag.Duration("valid", 90*24*time.Hour, "how long its certificates are valid")
	flag.Parse()
	if err := serve(*listen, *answer, *dir, *valid); err != nil {
		fmt.Fprintln(os.Stderr, "pebble:", err)
		os.Exit(1)
	}
}

func serve(listen, answer, dir string, valid time.Duration) error {
	_, text, err := net.SplitHostPort(answer)
	if err != nil {
		return err
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return err
	}
	os.Setenv("PEBBLE_VA_NOSLEEP", "1") // it waits some seconds before each challenge otherwise
	dns, err := names()
	if err != nil {
		return err
	}
	quiet := log.New(io.Discard, "", 0)
	store := db.NewMemoryStore()
	issuer := ca.New(quiet, store, "", "ecdsa", 0, 1, map[string]ca.Profile{"default": {ValidityPeriod: uint64(valid.Seconds())}})
	server := wfe.New(quiet, store, va.New(quiet, port, 0, false, dns, store), issuer, []string{"pebble.letsencrypt.org"}, false, false, 1, 1)
	own, err := certificate()
	if err != nil {
		return err
	}
	l, err := tls.Listen("tcp", listen, &tls.Config{Certificates: []tls.Certificate{own}})
	if err != nil {
		return err
	}
	// The files are there before the first answer.
	root := issuer.GetRootCert(0)
	if root == nil {
		return errors.New("no root certificate")
	}
	if err := errors.Join(
		os.MkdirAll(dir, 0o755),
		os.WriteFile(filepath.Join(dir, "root.pem"), root.PEM(), 0o644),
		os.WriteFile(filepath.Join(dir, "server.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: own.Certificate[0]}), 0o644),
	); err != nil {
		return err
	}
	fmt.Printf("pebble: ready: https://%s/dir\n", l.Addr())
	return http.Serve(l, server.Handler())
}

// names starts the DNS server, and returns its address.
func names() (string, error) {
	free, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	address := free.LocalAddr().String()
	free.Close()
	s, err := challtestsrv.New(challtestsrv.Config{DNSAddrs: []string{address}, Log: log.New(io.Discard, "", 0)})
	if err != nil {
		return "", err
	}
	s.SetDefaultDNSIPv4("127.0.0.1")
	s.SetDefaultDNSIPv6("")
	go s.Run()
	return address, nil
}

// certificate is that of the ACME server itself, for a day.
func certificate() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "pebble"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}
