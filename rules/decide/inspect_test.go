package decide

import (
	"testing"
	"time"

	"github.com/rulegate/rulegate/rules/policy"
)

func TestCredentials(t *testing.T) {
	r := (&Engine{policy: &policy.Policy{Sources: []policy.Source{bearer, session, access}}}).NewRequest(nil, time.Time{})
	r.head = *readHead([][2]string{{":method", "GET"}, {":path", "/?access_token=a&access_token=b"}, {"authorization", "Bearer abc"}})
	got := r.Credentials()
	if len(got) != 3 || got[0].Token != "abc" || got[0].Err != nil || got[1].Token != "" || got[1].Err != nil || got[2].Err == nil {
		t.Errorf("%+v", got)
	}
	if got[0].Source.Header != "authorization" || got[2].Source.Query != "access_token" {
		t.Errorf("%+v", got)
	}
}
