package decide

// ForgetAnswers makes the engine evaluate each rule each time.
func (e *Engine) ForgetAnswers() { e.noMemo = true }

// GoGeneralWay makes the engine decide no request the quick way.
func (e *Engine) GoGeneralWay() { e.quick.source = nil }

// WentQuickly reports whether the quick way has decided the request.
func (r *Request) WentQuickly() bool {
	return r.found && r.head.method == "" && len(r.head.fields) == 0
}
