package keys

// ProbeNative checks these signatures of knownText. The private keys that made
// them are deleted.
const (
	knownText = "rulegate"
	knownRSA  = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAsegcETasLHUYMAkZQCSkQ2LQTwPxTAXiRf5FoFDZOAtw0Ttgg3w2" +
		"KtTSzrXJhMLAo3yd4H5Xkp0TajskWosxd4eIl+jBPtNut+U+r8mgihh2M0BMSNVNl7RG6ZXv+ST367LsqUXwc7oMfr/Qyl5l" +
		"DKTV9ACOT6KHZQtJE9pRGv4LdrhQmmRe4IJzsYGsV+ExOTpejHfOs8KSLlcaUXc+guWoyABZSz4qORCT++D5DkxrQuFu+EEk" +
		"vm/DM4tZn1Muzz/t5Uee/h0H8OoSW6izAPss7GKT/tgLfI5U3ZPqkIpljPNfgg1WDM6PSpkAhiq+Zn8Gm5evAbHv+hP9IVae" +
		"zQIDAQAB"
)

var known = [...]struct{ alg, key, signature string }{
	{"RS256", knownRSA, "nnpo4aHcCV6qV+F52dmgsnSENhcpa+vEC2tvb4PctV5R+XDx1UBRE/+ko6iIq9yJ0gaqc6HVEow5ZcLsabzjN2jMK3sGOk56" +
		"t+GNlmWg1hLHkhs/+g0C4FYRSTblvKYYuhwVnLoF1+mvygQVhu05k8Em3cVzz0gNT/W4MY42CMyPIHvp0+P0jX4k5TdRGtxX" +
		"uPFyOCkUDUD2L/Eqpeq4PWGWxxJLvRVWfoxO7BiPotG/WX4eYrRNqmyfAVyx/jPFZOzNwcBkMz+ffb/cdyQ5MP1OfMjEdXtI" +
		"x6ppLSMeJXfds3mPbB1iTQvVotONHDbVdrAKOtwXtViyMZ8Ae1OXUw=="},
	{"RS384", knownRSA, "lZjihvgjnBUYPQ1gdc41+3olTAptC2G11zCRs0s4aiXEUQkex40vQFE+Vsaq0xgQYEw9nrlsV/b0gQrcsJSCaJ2cTPy1Swf2" +
		"USRJckUERdNscTqrFqGoC1USvDYa8N+zt5yO9jGXSSEPdLDy3f4IsBULX3jW4xmkc3Rvm+w0zhLsNggrXKVENaVk4RSVcx7Q" +
		"Gf+Kp9YVtIiDLTTzUWVjB61x3QY2mNjyYh3QIkOKJHVl0f+j5TAFAWX75wZPd7IT/YQid3UOnmG/6/2jSC3UEPGudt/BBCgP" +
		"AkNEinJINShdquSfPW2qgRZXhmIcrwoOIb2gOXs1noN14kY0HW2NeQ=="},
	{"RS512", knownRSA, "ZD3QE+ZzvqlE12iOgXGTSpG7QMKgUpa2i6bZKIJG7VZLJf/gM7BOEi3XXbcY8FZDduhJQ+q4d8Ng+KPstjSbhukhZbeLIgPD" +
		"wJYOKF2GxLr7QXljsgX6/2jh+cRCghFxUzgDrx3de8+y1fXbgF88FB9yr2oeow+2hFnRcwG3lu8EbrK1OIpQ+WO2vc/hd916" +
		"wQNS4dLReRTwQzkwwcmU2KoRsDpd6bCtJOjEMAdAdbeUiG7W1IZCQRxXP7y5OLrOp0zkGVV0B3O5ANECOCRu9RWu31+LGhXO" +
		"Xq+vHTNguNOX3+yq+mveUdeoN7ZHS99NnXWMGYZckPqTi0R4lIv/NQ=="},
	{"ES256", "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAESOE6fKzry1ol+TGaPQJD+e8mENcc/S8W7RjrB7TczCEd+iMXQicFU2P1D0hw" +
		"M14+3qx0elM6vMGwXL4pCV6p1w==", "MEUCIG5eYRNChyJdOZCvntqEmo0Mtfww5p+owAoIBEiAHhvoAiEA0bH413KyNGeEIgC2zrAajp3PrEjMe+6XW7JCQhf84xs="},
	{"ES384", "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEAfEB+lq13jI1YuUMWuzZfE4m4VtJ/uDIdWYrMQqQUo+HV+WNDxX4s7cnkuEE1KJU" +
		"xAuzj5/H/65lRlzdjXWRc9LiFddqYRikEFcLuS3sQG2wP3jl9MqIngXjfG3tOVzj", "MGUCMH9JMFy9axn77PF6z+/Tnw8PBLYd9o0XO/2sGCw0Ng2YI4YXckjXJ/BCkUI7NskvpAIxAN1oW+pwJEEVKwg76ZdFUxcd" +
		"WPN1nIMxaDfJMWUbu31mS4hUgnqlxxQ/6keuO0gTZQ=="},
	{"ES512", "MIGbMBAGByqGSM49AgEGBSuBBAAjA4GGAAQBdOO/b/MR8UqWFRVd+wMxRA5S0Hwdla74S2UylbLH0xoleivXsUZTTt4FF39Q" +
		"T3RX/6YGYJFQni/PCPj3zJViQk8BEmY6W3TzM0EiyuDx+e+rUTZac51DOQ/M6ASa4abqPGbnchVHvdBrQjU1HnRk1xdp69d1" +
		"ykxTwQPIbkBXEqkfF/M=", "MIGHAkFqcM0WsaAFMEbyybOuFgB/VggNZ0ozJfTE7T5v3qIt22o+emP96mLtOKIVc07cyXk4yKmfWtPhwvNNqmmeSMA2oQJC" +
		"AJVnEuAn7O5JUHpOOh0R0FBcD1+nK5s8Ig18bjCRYJs/ahR8rHRXGu5o0Wj0F2Si0e95K81sr6VrbmjhZu945dbO"},
}
