package decide

import "testing"

func TestMediaType(t *testing.T) {
	for _, tt := range []struct {
		types []string
		want  media
	}{
		{[]string{"application/json"}, jsonBody},
		{[]string{"Application/JSON"}, jsonBody},
		{[]string{"application/json "}, jsonBody},
		{[]string{"application/json;charset=utf-8"}, jsonBody},
		{[]string{"application/json; charset=UTF-8"}, jsonBody},
		{[]string{`application/json; charset="utf-8"`}, jsonBody},
		{[]string{"application/json; profile=\"a;b\"; charset=utf-8"}, jsonBody},
		{[]string{"application/json;"}, jsonBody},
		{[]string{"application/merge-patch+json"}, jsonBody},
		{[]string{"application/vnd.api+json; ext=x"}, jsonBody},
		{[]string{"application/x-www-form-urlencoded"}, formBody},
		{[]string{"application/x-www-form-urlencoded; charset=utf-8"}, formBody},

		{nil, unreadable},
		{[]string{""}, unreadable},
		{[]string{"application/json", "application/json"}, unreadable},
		{[]string{"application/json, text/plain"}, unreadable},
		{[]string{"text/json"}, unreadable},
		{[]string{"text/x+json"}, unreadable},
		{[]string{"application/a b+json"}, unreadable},
		{[]string{"application/jsonx"}, unreadable},
		{[]string{"application/json; charset=utf-16"}, unreadable},
		{[]string{"application/json; charset=utf-8; charset=utf-16"}, unreadable},
		{[]string{"application/json; charset=utf-16; charset=utf-8"}, unreadable},
		{[]string{"application/json; CharSet=latin1"}, unreadable},
		{[]string{`application/json; charset="utf\-8"`}, unreadable},
		{[]string{"application/json; charset =utf-16"}, unreadable},
		{[]string{"application/json; charset=utf-8 x"}, unreadable},
		{[]string{"application/json; charset"}, unreadable},
		{[]string{`application/json; a="`}, unreadable},
		{[]string{"multipart/form-data; boundary=x"}, unreadable},
		{[]string{"application/grpc"}, unreadable},
		{[]string{"application/grpc+json"}, unreadable},
		{[]string{"application/grpc-web+json"}, unreadable},
	} {
		if got := mediaOf(tt.types); got != tt.want {
			t.Errorf("%q: got %d, want %d", tt.types, got, tt.want)
		}
	}
}
