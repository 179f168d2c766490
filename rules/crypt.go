package rules

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"unicode/utf8"
)

// transform turns one string into another: encrypt, decrypt or hash, with its
// algorithm, key and encoding.
type transform interface {
	// apply returns the new string. nonces is where aes-gcm takes its nonce
	// from; nil is crypto/rand. The error never holds a value.
	apply(s string, nonces io.Reader) (string, error)
	// steps is the number of steps that apply takes with so many bytes.
	steps(bytes int) int
}

// digest is the transform of hash.
type digest struct {
	key []byte // of HMAC; nil: plain SHA-256
	hex bool   // else base64
}

func (d *digest) apply(s string, _ io.Reader) (string, error) {
	sum := d.sum(s)
	if d.hex {
		return hex.EncodeToString(sum[:]), nil
	}
	return base64.StdEncoding.EncodeToString(sum[:]), nil
}

func (d *digest) steps(bytes int) int {
	if d.key != nil {
		return 250 + bytes/4
	}
	return 80 + bytes/4
}

func (d *digest) sum(s string) [sha256.Size]byte {
	if d.key == nil {
		return sha256.Sum256([]byte(s))
	}
	mac := hmac.New(sha256.New, d.key)
	mac.Write([]byte(s))
	return [sha256.Size]byte(mac.Sum(nil))
}

// cfb is AES-CFB with the first 16 bytes of the key as IV: the format of data
// that Space Cloud has encrypted.
type cfb struct {
	block   cipher.Block
	iv      []byte
	decrypt bool
}

func (c *cfb) apply(s string, _ io.Reader) (string, error) {
	data, err := unsealed(s, c.decrypt)
	if err != nil {
		return "", err
	}
	if c.decrypt {
		//lint:ignore SA1019 the format of data that exists; aes-gcm is for new policies
		cipher.NewCFBDecrypter(c.block, c.iv).XORKeyStream(data, data)
		return decrypted(data)
	}
	//lint:ignore SA1019 the format of data that exists; aes-gcm is for new policies
	cipher.NewCFBEncrypter(c.block, c.iv).XORKeyStream(data, data)
	return base64.StdEncoding.EncodeToString(data), nil
}

func (*cfb) steps(bytes int) int { return 80 + bytes }

// gcm is AES-GCM: a nonce of 12 bytes, the ciphertext and the tag.
type gcm struct {
	aead    cipher.AEAD
	decrypt bool
}

func (g *gcm) apply(s string, nonces io.Reader) (string, error) {
	data, err := unsealed(s, g.decrypt)
	if err != nil {
		return "", err
	}
	size := g.aead.NonceSize()
	if g.decrypt {
		if len(data) < size {
			return "", errors.New("is too short to be encrypted")
		}
		if data, err = g.aead.Open(nil, data[:size], data[size:], nil); err != nil {
			return "", errors.New("does not decrypt with this key")
		}
		return decrypted(data)
	}
	if nonces == nil {
		nonces = rand.Reader
	}
	nonce := make([]byte, size)
	if _, err := io.ReadFull(nonces, nonce); err != nil {
		return "", errors.New("needs a nonce, and reading one failed")
	}
	return base64.StdEncoding.EncodeToString(g.aead.Seal(nonce, nonce, data, nil)), nil
}

func (*gcm) steps(bytes int) int { return 300 + 2*bytes }

// unsealed returns the bytes to encrypt, or those to decrypt, which are standard
// padded base64.
func unsealed(s string, decrypt bool) ([]byte, error) {
	if !decrypt {
		return []byte(s), nil
	}
	data, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || strings.ContainsAny(s, "\r\n") { // which the decoder skips
		return nil, errors.New("is no padded base64")
	}
	return data, nil
}

func decrypted(data []byte) (string, error) {
	if !utf8.Valid(data) {
		return "", errors.New("does not decrypt to UTF-8")
	}
	return string(data), nil
}

// newCipher returns the transform of encrypt or decrypt.
func newCipher(algorithm string, key []byte, decrypt bool) (transform, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	if algorithm == "aes-cfb" {
		return &cfb{block: block, iv: key[:aes.BlockSize], decrypt: decrypt}, nil
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	return &gcm{aead: aead, decrypt: decrypt}, nil
}
