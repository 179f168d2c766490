package rules

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"io"
	"unicode/utf8"
)

// transform turns one string into another: encrypt, decrypt or hash.
type transform struct {
	kind      string // "encrypt", "decrypt", "hash"
	algorithm string // aes-cfb, aes-gcm; sha256, hmac-sha256
	encoding  string // of a hash: base64, hex
	key       []byte
}

// apply gives the new string, or why there is none.
func (t *transform) apply(s string, nonces io.Reader) (out, reason string) {
	switch {
	case t.kind == "hash":
		return t.hash(s), ""
	case t.kind == "encrypt":
		return t.encrypt(s, nonces)
	}
	return t.decrypt(s)
}

func (t *transform) hash(s string) string {
	var sum []byte
	if t.algorithm == "hmac-sha256" {
		mac := hmac.New(sha256.New, t.key)
		mac.Write([]byte(s))
		sum = mac.Sum(nil)
	} else {
		plain := sha256.Sum256([]byte(s))
		sum = plain[:]
	}
	if t.encoding == "hex" {
		return hex.EncodeToString(sum)
	}
	return base64.StdEncoding.EncodeToString(sum)
}

// encrypt writes standard padded base64: of AES-CFB with the key's first 16
// bytes as IV, which is what Space Cloud's data holds; or of an AES-GCM nonce of
// 12 bytes, the ciphertext and the tag.
func (t *transform) encrypt(s string, nonces io.Reader) (out, reason string) {
	block, err := aes.NewCipher(t.key)
	if err != nil {
		return "", "the key cannot be used"
	}
	data := []byte(s)
	if t.algorithm == "aes-gcm" {
		aead, err := cipher.NewGCM(block)
		if err != nil {
			return "", "the key cannot be used"
		}
		if nonces == nil {
			nonces = rand.Reader
		}
		nonce := make([]byte, aead.NonceSize())
		if _, err := io.ReadFull(nonces, nonce); err != nil {
			return "", "no nonce could be had"
		}
		data = aead.Seal(nonce, nonce, data, nil)
	} else {
		//lint:ignore SA1019 the format of data that exists; aes-gcm is what new policies use
		cipher.NewCFBEncrypter(block, t.key[:aes.BlockSize]).XORKeyStream(data, data)
	}
	return base64.StdEncoding.EncodeToString(data), ""
}

func (t *transform) decrypt(s string) (out, reason string) {
	data, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil {
		return "", "is no padded base64"
	}
	block, err := aes.NewCipher(t.key)
	if err != nil {
		return "", "the key cannot be used"
	}
	if t.algorithm == "aes-gcm" {
		aead, err := cipher.NewGCM(block)
		if err != nil {
			return "", "the key cannot be used"
		}
		if len(data) < aead.NonceSize() {
			return "", "is too short to be encrypted"
		}
		if data, err = aead.Open(nil, data[:aead.NonceSize()], data[aead.NonceSize():], nil); err != nil {
			return "", "does not decrypt with this key"
		}
	} else {
		//lint:ignore SA1019 the format of data that exists; aes-gcm is what new policies use
		cipher.NewCFBDecrypter(block, t.key[:aes.BlockSize]).XORKeyStream(data, data)
	}
	if !utf8.Valid(data) {
		return "", "does not decrypt to UTF-8"
	}
	return string(data), ""
}
