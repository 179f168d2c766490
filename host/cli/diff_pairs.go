package cli

import (
	"fmt"
	"io"
	"path/filepath"

	"github.com/rulegate/rulegate/host/compare"
	"github.com/rulegate/rulegate/host/policyfile"
)

// comparedPair is a policy before and after a change, with the effect of the change.
type comparedPair struct {
	old, changed *comparedPolicy
	report       *compare.Report
}

// comparedPolicy is a policy of a comparison. The file is nil where the policy is not
// there, so that it denies all requests.
type comparedPolicy struct {
	*compare.Policy
	name string
	file *policyfile.File
}

// diffPairs lists the policies to compare: before and after. A nil source is a policy
// that is not there.
func diffPairs(args []string, against string) (pairs [][2]*source, err error) {
	if against == "" {
		old, err := sourceOf(args[0])
		if err != nil {
			return nil, err
		}
		changed, err := sourceOf(args[1])
		if err != nil {
			return nil, err
		}
		if old.files.IsDir(old.path) != changed.files.IsDir(changed.path) {
			return nil, usagef("want two files or two folders: %s and %s", args[0], args[1])
		}
		if !old.files.IsDir(old.path) {
			return [][2]*source{{&old, &changed}}, nil
		}
		return folderPairs(old, changed)
	}
	r, err := policyfile.NewRevision(against)
	if err != nil {
		return nil, err
	}
	if len(args) == 0 {
		args = []string{"."}
	}
	for _, arg := range args {
		changed, err := sourceOf(arg)
		if err != nil {
			return nil, err
		}
		path, err := r.FromHere(changed.path)
		if err != nil {
			return nil, err
		}
		old := source{r, path, r.Name(path)}
		if !changed.files.IsDir(changed.path) {
			pairs = append(pairs, [2]*source{existing(old), &changed})
			continue
		}
		found, err := folderPairs(old, changed)
		if err != nil {
			return nil, err
		}
		pairs = append(pairs, found...)
	}
	return pairs, nil
}

// existing returns the source, nil if there is no such file.
func existing(s source) *source {
	found, err := s.files.Glob(s.path)
	if err == nil && len(found) == 0 {
		return nil
	}
	return &s
}

// folderPairs pairs the policies of two folders by their names.
func folderPairs(old, changed source) (pairs [][2]*source, err error) {
	byName := map[string]int{}
	for i, s := range []source{old, changed} {
		found, err := s.policies()
		if err != nil {
			if i == 1 || s.files.IsDir(s.path) && len(pairs) > 0 {
				return nil, err
			}
			continue // a folder that has no policy yet
		}
		for _, p := range found {
			rel, err := filepath.Rel(filepath.FromSlash(s.path), filepath.FromSlash(p.path))
			if err != nil {
				return nil, err
			}
			at, ok := byName[rel]
			if !ok {
				at = len(pairs)
				byName[rel] = at
				pairs = append(pairs, [2]*source{})
			}
			pairs[at][i] = &p
		}
	}
	return pairs, nil
}

// loadCompared loads a policy with stand-ins for secrets that are not there.
func loadCompared(s *source, stderr io.Writer) (*comparedPolicy, error) {
	if s == nil {
		f, err := policyfile.Parse("none", []byte("routes: []\n"))
		if err != nil {
			return nil, err
		}
		p, err := f.LoadStandIn()
		if err != nil {
			return nil, err
		}
		return &comparedPolicy{Policy: &compare.Policy{Policy: p.Policy, Doc: f.Doc, Options: p.Options}, name: "(no policy)"}, nil
	}
	f, err := policyfile.Open(s.files, s.path)
	if err != nil {
		return nil, err
	}
	p, err := f.LoadStandIn()
	if err != nil {
		return nil, err
	}
	if len(p.Missing) > 0 {
		fmt.Fprintln(stderr, standIns(f.Name(), p.Missing))
	}
	return &comparedPolicy{&compare.Policy{Policy: p.Policy, Doc: f.Doc, Options: p.Options}, f.Name(), f}, nil
}
