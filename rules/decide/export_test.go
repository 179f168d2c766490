package decide

import "time"

// ForgetAnswers makes the engine evaluate each rule each time.
func (e *Engine) ForgetAnswers() { e.noMemo = true }

// GoGeneralWay makes the engine decide no request the quick way.
func (e *Engine) GoGeneralWay() { e.quick.source = nil }

// Pass decides a request the quick way, as the Step of the general way.
func (e *Engine) Pass(d *Desk, headers [][2]string, now time.Time) (s Step, ok bool) {
	p, ok := e.Passes(d, headers, now)
	if !ok {
		return Step{}, false
	}
	s = Step{Action: Continue, Changes: Changes{RemoveHeaders: []string{}}}
	if p.Withheld != "" {
		s.Changes.RemoveHeaders = append(s.Changes.RemoveHeaders, p.Withheld)
	}
	return s, p.Resource != nil
}
