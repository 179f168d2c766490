package httpfield

import "testing"

func TestTwins(t *testing.T) {
	for _, same := range [][2]string{
		{"x-user-id", "x-user-id"}, {"x-user-id", "x_user_id"}, {"x-user-id", "x.user.id"}, {"x-user-id", "X-User_Id"}, {"x-user-id", "-x-user-id"}, {"x-user-id", "_x~user'id"},
		{"role", " role"}, {"role", "\trole"}, {"role", "\u00a0role"}, {"role", "\ufeffrole"}, {"role", ".role"}, {"role", "role[]"}, {"role", "role[0]"}, {"role", "role[x]"}, {"role", "role["},
		{"role", "role\x00"}, {"role", "role\x00x"}, {"role", "[role]"}, {"role", "[]role"}, {"role", "role[a][b]"}, {"user_role", "user[role"}, {"user_role", "user role"}, {"user_role", "user\x00role"}, {"role", "ROLE"},
		{"filter[a]", "filter"}, {"filter[a]", "filter[]"}, {"filter[a]", "filter[0]"}, {"filter[a]", "filter[a"}, {"filter[a]", "filter[a][b]"}, {"filter[a]", "filter_a"}, {"", "."},
	} {
		if !Twins(same[0], same[1]) || !Twins(same[1], same[0]) {
			t.Errorf("%q and %q: want twins", same[0], same[1])
		}
	}
	for _, other := range [][2]string{
		{"x-user-id", "x-user-ids"}, {"x-user-id", "xuserid"}, {"x-user-id", "x--user-id"}, {"x-user-id", "x-user"}, {"role", "roles"}, {"role", "role_"}, {"role", "x[role]"},
		{"filter[a]", "filter[b]"}, {"filter[a]", "filters[a]"}, {"rolé", "role"}, {"role", ""},
	} {
		if Twins(other[0], other[1]) || Twins(other[1], other[0]) {
			t.Errorf("%q and %q: want no twins", other[0], other[1])
		}
	}
}
