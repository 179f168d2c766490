package comparison

import (
	"fmt"
	"net/http"
)

// FollowsSQL makes a table with the data of Follows.
const FollowsSQL = `CREATE TABLE follows (follower TEXT, followee TEXT); INSERT INTO follows VALUES ('ana', 'bea')`

// Follows knows that ana follows bea.
func Follows(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("content-type", "application/json")
	q := r.URL.Query()
	yes := q.Get("follower") == "ana" && q.Get("followee") == "bea"
	switch {
	case q.Get("followee") == "fails":
		w.WriteHeader(http.StatusInternalServerError)
	case !yes:
		w.WriteHeader(http.StatusNotFound)
	}
	fmt.Fprintf(w, `{"follows":%t}`, yes)
}
