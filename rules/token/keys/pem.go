package keys

import (
	"encoding/base64"
	"encoding/pem"
	"errors"
	"strings"

	"github.com/rulegate/rulegate/rules/lightfmt"
)

// ParsePublic reads the one public key of a PEM text: a block PUBLIC KEY, RSA
// PUBLIC KEY or CERTIFICATE. It uses only the key of a certificate.
func ParsePublic(text string) (Public, error) {
	block, err := OnePEM(text)
	if err != nil {
		return Public{}, err
	}
	switch block.Type {
	case "PUBLIC KEY":
		return ParseSPKI(block.Bytes)
	case "RSA PUBLIC KEY":
		return publicPKCS1(block.Bytes)
	case "CERTIFICATE":
		return publicCertificate(block.Bytes)
	case "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY":
		return Public{}, errors.New("a private key; it belongs in privateKey")
	}
	return Public{}, lightfmt.Errorf("want a PEM block PUBLIC KEY, RSA PUBLIC KEY or CERTIFICATE, found %s", Quote(block.Type))
}

// noPEM explains how to correct a text that has no PEM block.
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

// OnePEM returns the only block of a text. It skips EC PARAMETERS, which openssl
// writes before a key: the key names its curve itself.
func OnePEM(text string) (*pem.Block, error) {
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
