package decide

// ForgetAnswers makes the engine evaluate each rule each time.
func (e *Engine) ForgetAnswers() { e.noMemo = true }
