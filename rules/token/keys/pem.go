package keys

import (
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// ParsePublic reads the one public key of a PEM text: a block PUBLIC KEY, RSA
// PUBLIC KEY or CERTIFICATE. It uses only the key of a certificate.
func ParsePublic(text string) (any, error) {
	block, err := onePEM(text)
	if err != nil {
		return nil, err
	}
	switch block.Type {
	case "PUBLIC KEY":
		return publicSPKI(block.Bytes)
	case "RSA PUBLIC KEY":
		return publicPKCS1(block.Bytes)
	case "CERTIFICATE":
		return publicCertificate(block.Bytes)
	case "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY":
		return nil, errors.New("a private key; it belongs in privateKey")
	}
	return nil, fmt.Errorf("want a PEM block PUBLIC KEY, RSA PUBLIC KEY or CERTIFICATE, found %s", Quote(block.Type))
}

// ParsePrivate reads the one private key of a PEM text: PKCS#8, PKCS#1 or SEC 1.
func ParsePrivate(text string) (any, error) {
	block, err := onePEM(text)
	if err != nil {
		return nil, err
	}
	if block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "" {
		return nil, errors.New("encrypted; want it without a passphrase")
	}
	switch block.Type {
	case "PRIVATE KEY":
		return privatePKCS8(block.Bytes)
	case "RSA PRIVATE KEY":
		return privatePKCS1(block.Bytes)
	case "EC PRIVATE KEY":
		return privateSEC1(block.Bytes, nil)
	case "PUBLIC KEY", "RSA PUBLIC KEY", "CERTIFICATE":
		return nil, errors.New("a public key; it belongs in publicKey")
	}
	return nil, fmt.Errorf("want a PEM block PRIVATE KEY, RSA PRIVATE KEY or EC PRIVATE KEY, found %s", Quote(block.Type))
}

// noPEM says what to do with a text that has no PEM block.
func noPEM(text string) error {
	packed := strings.Join(strings.Fields(text), "")
	switch der, err := base64.StdEncoding.DecodeString(packed); {
	case strings.Contains(text, "-----BEGIN") && strings.Contains(text, `\n`):
		return errors.New(`want PEM with line breaks, found the two characters \n in place of them`)
	case strings.Contains(text, "-----BEGIN"):
		return errors.New("a PEM block that cannot be read")
	case err == nil && len(der) > 32:
		return errors.New("want PEM, found base64 alone: put it between the lines -----BEGIN PUBLIC KEY----- and -----END PUBLIC KEY----- (or those of the file that it comes from)")
	}
	return errors.New("want PEM (-----BEGIN …), found no block of it")
}

// onePEM returns the only block of a text. It skips EC PARAMETERS, which openssl
// writes before a key: the key names its curve itself.
func onePEM(text string) (*pem.Block, error) {
	var found *pem.Block
	rest := []byte(text)
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type == "EC PARAMETERS" {
			continue
		}
		if found != nil {
			return nil, errors.New("more than one PEM block; want one key")
		}
		found = block
	}
	if found == nil {
		return nil, noPEM(text)
	}
	if strings.Contains(string(rest), "-----BEGIN") {
		return nil, errors.New("a PEM block that cannot be read")
	}
	return found, nil
}
