package main

import (
	"encoding/binary"
	"errors"

	"github.com/rulegate/rulegate/plugin/abi"
)

// verify calls Envoy's foreign function verify_signature, which uses
// BoringSSL. Its argument and its result are messages of the package
// envoy.source.extensions.common.wasm:
//
//	VerifySignatureArguments  hash_function=1 string, public_key=2, signature=3, text=4 bytes
//	VerifySignatureResult     result=1 bool, error=2 string
//
// The argument and the result are in memory that is used again: the host keeps neither.
func (v *signatures) verify(hash string, key, signature []byte, text string) (bool, error) {
	args := appendField(v.args[:0], 1, hash)
	args = appendField(args, 2, key)
	args = appendField(args, 3, signature)
	args = appendField(args, 4, text)
	v.args = args
	v.result.Reset()
	result, err := abi.ForeignIn(&v.result, "verify_signature", args)
	if err != nil {
		return false, err
	}
	return readResult(result)
}

// appendField appends a field of a protobuf message.
func appendField[T string | []byte](b []byte, number byte, content T) []byte {
	b = binary.AppendUvarint(append(b, number<<3|2), uint64(len(content)))
	return append(b, content...)
}

// signatures is the memory for calls of verify_signature.
type signatures struct {
	args   []byte
	result abi.Room
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
