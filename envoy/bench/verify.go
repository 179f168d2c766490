package main

import (
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"fmt"
	"math/big"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"google.golang.org/protobuf/encoding/protowire"
)

// verifyCalls are the numbers of calls for a request.
var verifyCalls = [...]int{0, 1, 11}

// verify adds a work that measures the host's verify_signature, which each new token
// needs. The first call of a request costs more than the ten behind it, because the
// processor has to fetch its code and data.
func (s *suite) verify() error {
	if !s.wants("verify") {
		return nil
	}
	w := work{name: "verify", title: "Signatures verified by the host", per: "algorithm", bases: []string{plural(verifyCalls[0], "call")}}
	for _, alg := range algorithms[1:] {
		argument, err := s.verifyArgument(alg)
		if err != nil {
			return err
		}
		for _, calls := range verifyCalls {
			listener := fmt.Sprintf("verify-%s-%d", alg, calls)
			filters := wasm(listener, s.o.verify)
			config := filters[0].(object)["typed_config"].(object)["config"].(object)
			config["vm_config"].(object)["vm_id"] = "verify" // one VM for all
			config["configuration"] = object{"@type": "type.googleapis.com/google.protobuf.StringValue", "value": fmt.Sprint(calls, " ", argument)}
			s.conf.listen(listener, filters, answer{text: "ok"})
			w.contenders = append(w.contenders, contender{name: plural(calls, "call"), at: string(alg), listener: listener, good: get(), clients: several})
		}
	}
	s.works = append(s.works, w)
	return nil
}

// verifyArgument returns a VerifySignatureArguments in base64, with the text of a token.
func (s *suite) verifyArgument(alg jose.SignatureAlgorithm) (string, error) {
	token, err := s.keys.token(alg, user{id: userID, role: "admin"}, 0)
	if err != nil {
		return "", err
	}
	end := strings.LastIndexByte(token, '.')
	signature, err := base64.RawURLEncoding.DecodeString(token[end+1:])
	if err != nil {
		return "", err
	}
	key, err := x509.MarshalPKIXPublicKey(s.keys.public(alg))
	if err != nil {
		return "", err
	}
	if alg == jose.ES256 {
		half := len(signature) / 2 // RFC 7518, section 3.4
		value := struct{ R, S *big.Int }{new(big.Int).SetBytes(signature[:half]), new(big.Int).SetBytes(signature[half:])}
		if signature, err = asn1.Marshal(value); err != nil {
			return "", err
		}
	}
	var b []byte
	for i, field := range [][]byte{[]byte("sha256"), key, signature, []byte(token[:end])} {
		b = protowire.AppendTag(b, protowire.Number(i+1), protowire.BytesType)
		b = protowire.AppendBytes(b, field)
	}
	return base64.StdEncoding.EncodeToString(b), nil
}
