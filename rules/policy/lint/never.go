package lint

import (
	"errors"
	"strings"

	"github.com/rulegate/rulegate/rules"
)

// Never returns an error for a path into args that none of the resources can ever
// have, nil where one may. It says why the first one has not.
func Never(path rules.Reference, resources []Resource) error {
	var why error
	for i := range resources {
		c := &checker{r: &resources[i], trace: traceOf(&resources[i])}
		s := step{action: readPath, response: true, ref: reference{text: path.Text, root: "args", keys: path.Keys}}
		c.read(len(c.trace.steps), &s)
		if len(c.faults) == 0 {
			return nil
		}
		if message := c.faults[0].Message; why == nil {
			if !strings.HasPrefix(message, path.Text) {
				message = path.Text + ": " + message
			}
			why = errors.New(message)
		}
	}
	return why
}
