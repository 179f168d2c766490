package main

import (
	"encoding/binary"
	"errors"

	"github.com/rulegate/rulegate/plugin/abi"
)

// verifySignature calls Envoy's foreign function verify_signature, which uses
// BoringSSL. Its argument and its result are messages of the package
// envoy.source.extensions.common.wasm:
//
//	VerifySignatureArguments  hash_function=1 string, public_key=2, signature=3, text=4 bytes
//	VerifySignatureResult     result=1 bool, error=2 string
func verifySignature(hash string, key, signature, text []byte) (bool, error) {
	args := make([]byte, 0, len(hash)+len(key)+len(signature)+len(text)+24)
	for i, field := range [...][]byte{[]byte(hash), key, signature, text} {
		args = append(args, byte(i+1)<<3|2)
		args = append(binary.AppendUvarint(args, uint64(len(field))), field...)
	}
	result, err := abi.Foreign("verify_signature", args)
	if err != nil {
		return false, err
	}
	return readResult(result)
}

var errResult = errors.New("verify_signature: not a VerifySignatureResult")

// readResult reads a VerifySignatureResult. Protobuf leaves out fields with their
// default values, so false is a message without the field 1.
func readResult(result []byte) (ok bool, err error) {
	for len(result) > 0 {
		tag := result[0]
		n, size := binary.Uvarint(result[1:])
		if size <= 0 {
			return false, errResult
		}
		result = result[1+size:]
		switch tag {
		case 1 << 3:
			ok = n == 1
		case 2<<3 | 2:
			if n > uint64(len(result)) {
				return false, errResult
			}
			result = result[n:]
		default:
			return false, errResult
		}
	}
	return ok, nil
}
