package token

import (
	"github.com/rulegate/rulegate/rules/token/keys"
	"testing"
	"time"
)

// The keys and tokens of RFC 7515 appendix A and RFC 8037 appendix A.
const (
	rfcHS256Key = `{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}`
	rfcRS256Key = `{"kty":"RSA","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"}`
	rfcES256Key = `{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`
	rfcES512Key = `{"kty":"EC","crv":"P-521","x":"AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk","y":"ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2"}`
	rfcEdDSAKey = `{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`

	rfcHS256 = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	rfcRS256 = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
	rfcES256 = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
	rfcES512 = "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA.AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn"
	rfcEdDSA = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
	rfcNone  = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
)

// rfcSet holds all the keys of the RFCs as static keys.
func rfcSet(t testing.TB) *Set {
	t.Helper()
	var entries []Key
	for alg, jwk := range map[string]string{
		"HS256": rfcHS256Key, "RS256": rfcRS256Key, "ES256": rfcES256Key, "ES512": rfcES512Key, "EdDSA": rfcEdDSAKey,
	} {
		set, faults := keys.ParseSet(`{"keys":[{"kid":"k",` + jwk[1:] + `]}`)
		if len(faults) > 0 {
			t.Fatalf("%s: %+v", alg, faults)
		}
		k := Key{Name: alg, Alg: alg}
		k.Secret, k.PublicKey = set[0].Public.SecretText(), set[0].Public.PEM()
		entries = append(entries, k)
	}
	return newSet(t, entries...)
}

func TestTokensOfTheRFCs(t *testing.T) {
	set := rfcSet(t)
	issued := time.Unix(1300819380-60, 0)
	const joe = "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}"
	for _, c := range []struct {
		name, raw string
		stage     Stage
		now       time.Time
	}{
		{"RFC 7515 A.1 HS256", rfcHS256, "", issued},
		{"RFC 7515 A.2 RS256", rfcRS256, "", issued},
		{"RFC 7515 A.3 ES256", rfcES256, "", issued},
		{"RFC 7515 A.1 HS256, expired", rfcHS256, StageTime, issued.Add(time.Minute)},
		{"RFC 7515 A.5 none", rfcNone, StageKey, issued},
		// The payloads of these two are not JSON: the signature passes, the claims fail.
		{"RFC 7515 A.4 ES512", rfcES512, StageClaims, issued},
		{"RFC 8037 A.4 EdDSA", rfcEdDSA, StageClaims, issued},
	} {
		t.Run(c.name, func(t *testing.T) {
			claims, err := set.Verify(c.raw, c.now)
			wantStage(t, err, c.stage)
			if err == nil && claims.JSON != joe {
				t.Errorf("claims %q", claims.JSON)
			}
			if c.stage == StageKey {
				return
			}
			// The same token with another letter in the signature.
			last := len(c.raw) - 10
			turned := c.raw[:last] + string(flip(c.raw[last])) + c.raw[last+1:]
			_, err = set.Verify(turned, c.now)
			wantStage(t, err, StageSignature)
		})
	}
}

func flip(c byte) byte {
	if c == 'A' {
		return 'B'
	}
	return 'A'
}
