package envoyconf

import "path/filepath"

// tlsSecret is the name of the listener's certificate in secret discovery.
const tlsSecret = "rulegate"

// Secret returns the content of the file of secret discovery: where Envoy finds the
// certificate and its key, and the folder in which a rename makes it read both again.
func Secret(s ServerTLS) *Bootstrap {
	certificate := append(pair(s.Cert, s.Key), field{"watched_directory", object{{"path", filepath.Dir(s.Cert)}}})
	return &Bootstrap{object{{"resources", list{
		typed("envoy.extensions.transport_sockets.tls.v3.Secret",
			field{"name", tlsSecret},
			field{"tls_certificate", certificate},
		),
	}}}}
}

// certificate is the listener's certificate, or the file that names it.
func (s *ServerTLS) certificate() field {
	if s.Secret == "" {
		return field{"tls_certificates", list{pair(s.Cert, s.Key)}}
	}
	return field{"tls_certificate_sds_secret_configs", list{object{
		{"name", tlsSecret},
		{"sds_config", fileSource(s.Secret)},
	}}}
}

// fileSource is a file that Envoy reads again when it is replaced by a rename.
func fileSource(path string) object {
	return object{
		{"path_config_source", object{
			{"path", path},
			{"watched_directory", object{{"path", filepath.Dir(path)}}},
		}},
		{"resource_api_version", "V3"},
	}
}
