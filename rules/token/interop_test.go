package token

import (
	"testing"

	"github.com/golang-jwt/jwt/v5"
)

// signKey and checkKey are an algorithm's keys as golang-jwt takes them.
func signKey(alg string) any {
	if alg[0] == 'H' {
		return []byte(testSecret)
	}
	return pairFor(alg).private
}

func checkKey(alg string) any {
	if alg[0] == 'H' {
		return []byte(testSecret)
	}
	return pairFor(alg).private.Public()
}

// Tokens of golang-jwt verify here and ours verify there.
func TestGolangJWT(t *testing.T) {
	for i := range algorithms {
		alg := algorithms[i].name
		t.Run(alg, func(t *testing.T) {
			set := newSet(t, primaryFor(alg))
			theirs := jwt.NewWithClaims(jwt.GetSigningMethod(alg), jwt.MapClaims{"id": "1", "exp": testNow.Unix() + 60})
			raw, err := theirs.SignedString(signKey(alg))
			if err != nil {
				t.Fatal(err)
			}
			c, err := set.Verify(raw, testNow)
			if wantStage(t, err, ""); c.JSON != `{"exp":1700000060,"id":"1"}` {
				t.Errorf("claims %s", c.JSON)
			}
			ours, err := set.Mint(c.JSON, "")
			if err != nil {
				t.Fatal(err)
			}
			if err := golangJWT(alg, ours); err != nil {
				t.Errorf("ours is refused there: %v", err)
			}
		})
	}
}

// golangJWT verifies a token, signature and form, without its times.
func golangJWT(alg, raw string) error {
	parser := jwt.NewParser(jwt.WithValidMethods([]string{alg}), jwt.WithStrictDecoding(), jwt.WithoutClaimsValidation(), jwt.WithJSONNumber())
	_, err := parser.Parse(raw, func(*jwt.Token) (any, error) { return checkKey(alg), nil })
	return err
}

// Every algorithm's token is refused by every other algorithm's key, also when
// both have one kid.
func TestAlgorithmsDoNotMix(t *testing.T) {
	for i := range algorithms {
		for j := range algorithms {
			signer, verifier := primaryFor(algorithms[i].name), primaryFor(algorithms[j].name)
			signer.Kid, verifier.Kid = "k", "k"
			raw, err := newSet(t, signer).Mint(`{}`, "")
			if err != nil {
				t.Fatal(err)
			}
			want := StageKey
			if i == j {
				want = ""
			}
			_, err = newSet(t, verifier).Verify(raw, testNow)
			if wantStage(t, err, want); t.Failed() {
				t.Fatalf("%s verified by %s", signer.Alg, verifier.Alg)
			}
		}
	}
}
