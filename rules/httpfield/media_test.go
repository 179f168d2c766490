package httpfield

import "testing"

func TestMediaType(t *testing.T) {
	for _, tt := range []struct {
		types []string
		want  Media
	}{
		{[]string{"application/json"}, JSON},
		{[]string{"Application/JSON"}, JSON},
		{[]string{"application/json "}, JSON},
		{[]string{"application/json;charset=utf-8"}, JSON},
		{[]string{"application/json; charset=UTF-8"}, JSON},
		{[]string{`application/json; charset="utf-8"`}, JSON},
		{[]string{"application/json; profile=\"a;b\"; charset=utf-8"}, JSON},
		{[]string{"application/json;"}, JSON},
		{[]string{"application/merge-patch+json"}, JSON},
		{[]string{"application/vnd.api+json; ext=x"}, JSON},
		{[]string{"application/json; charset=utf8"}, JSON},
		{[]string{"application/x-www-form-urlencoded"}, Form},
		{[]string{"application/x-www-form-urlencoded; charset=utf-8"}, Form},

		{nil, Unreadable},
		{[]string{""}, Unreadable},
		{[]string{"application/json", "application/json"}, Unreadable},
		{[]string{"application/json, text/plain"}, Unreadable},
		{[]string{"text/json"}, Unreadable},
		{[]string{"text/x+json"}, Unreadable},
		{[]string{"application/a b+json"}, Unreadable},
		{[]string{"application/jsonx"}, Unreadable},
		{[]string{"application/json; charset=utf-16"}, Unreadable},
		{[]string{"application/json; charset=utf-8; charset=utf-16"}, Unreadable},
		{[]string{"application/json; charset=utf-16; charset=utf-8"}, Unreadable},
		{[]string{"application/json; CharSet=latin1"}, Unreadable},
		{[]string{`application/json; charset="utf\-8"`}, Unreadable},
		{[]string{"application/json; charset =utf-16"}, Unreadable},
		{[]string{"application/json; charset=utf-8 x"}, Unreadable},
		{[]string{"application/json; charset"}, Unreadable},
		{[]string{`application/json; a="`}, Unreadable},
		{[]string{"multipart/form-data; boundary=x"}, Unreadable},
		{[]string{"application/json; charset*=utf-8''utf-7"}, Unreadable},
		{[]string{"application/json; Charset*=utf-8''utf-8"}, Unreadable},
		{[]string{"application/json; charset*0=utf-8"}, Unreadable},
		{[]string{`application/json; x="; charset=utf-7"`}, Unreadable},
		{[]string{"application/connect+json"}, Unreadable},
		{[]string{"application/stream+json"}, Unreadable},
		{[]string{"application/grpc"}, Unreadable},
		{[]string{"application/grpc+json"}, Unreadable},
		{[]string{"application/grpc-web+json"}, Unreadable},
	} {
		if got := ParseMedia(tt.types); got != tt.want {
			t.Errorf("%q: got %d, want %d", tt.types, got, tt.want)
		}
	}
}
