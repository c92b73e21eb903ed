// Subscribes to a channel by server-sent events, and resumes after its last event.
//
//	go run examples/clients/go/resume.go http://127.0.0.1:4000/graphql alice TOKEN [CURSOR_FILE]
//
// Prints one line of JSON for each event. It needs the standard library only. The rules that it
// follows: docs/protocols/resume.md.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand"
	"net/http"
	"os"
	"strings"
	"time"
)

const query = `subscription Listen($clientId: ID!, $after: Cursor) {
  channel(clientId: $clientId, after: $after, checkpoints: true) { kind cursor data gap { reason oldest } }
}`

// The gateway sends a comment every 12 s (WARREN_KEEP_ALIVE). A response without a line for longer
// is dead.
const silence = 40 * time.Second

const firstWait, longestWait = 500 * time.Millisecond, 10 * time.Second

// An event may hold a message of 4 MiB, and escapes make its JSON longer.
const longestLine = 32 << 20

var retryableErrors = map[string]bool{
	"BROKER_UNAVAILABLE": true, "REGISTRY_UNAVAILABLE": true, "DRAINING": true, "LIMIT_EXCEEDED": true,
	"DELIVERY_FAILED": true, "NO_RESPONDER": true, "REQUEST_TIMEOUT": true,
}

// Coming back would not help.
var errEnded = errors.New("the subscription has ended")

// The token was refused. After three in a row no valid token is available.
var errToken = errors.New("no valid token")

type event struct {
	Kind   string          `json:"kind"`
	Cursor string          `json:"cursor"`
	Data   json.RawMessage `json:"data,omitempty"`
	Gap    json.RawMessage `json:"gap,omitempty"`
}

type result struct {
	Data *struct {
		Channel event `json:"channel"`
	} `json:"data"`
	Errors []struct {
		Message    string `json:"message"`
		Extensions struct {
			Code string `json:"code"`
		} `json:"extensions"`
	} `json:"errors"`
}

// resume calls handle with each event once, across lost connections, and stores the cursor of an
// event after handle has returned without an error. It returns when coming back would not help.
func resume(url, clientID string, freshToken func() string, cursorFile string, handle func(event) error) error {
	after, failures, refused := load(cursorFile), 0, 0
	for {
		err := oneResponse(url, clientID, freshToken(), after, func(event event) error {
			failures, refused = 0, 0
			if event.Kind != "CHECKPOINT" {
				if err := handle(event); err != nil {
					return fmt.Errorf("%w: %v", errEnded, err)
				}
			}
			after = &event.Cursor
			if err := store(cursorFile, event.Cursor); err != nil {
				return fmt.Errorf("%w: %v", errEnded, err)
			}
			return nil
		})
		if errors.Is(err, errToken) {
			refused++
		} else {
			refused = 0
		}
		if errors.Is(err, errEnded) || refused == 3 {
			return err
		}
		fmt.Fprintf(os.Stderr, "%v; coming back\n", err)
		longest := firstWait << failures
		if longest > longestWait {
			longest = longestWait
		}
		// Full jitter, so that clients do not all reconnect at the same time.
		time.Sleep(time.Duration(rand.Int63n(int64(longest))))
		if failures < 10 {
			failures++
		}
	}
}

// oneResponse reads the events of one response. It never returns nil.
func oneResponse(url, clientID, token string, after *string, handle func(event) error) error {
	alive, end := context.WithCancel(context.Background())
	defer end()
	watchdog := time.AfterFunc(silence, end)
	defer watchdog.Stop()

	body, err := json.Marshal(map[string]any{
		"query": query, "variables": map[string]any{"clientId": clientID, "after": after},
	})
	if err != nil {
		return fmt.Errorf("%w: %v", errEnded, err)
	}
	request, err := http.NewRequestWithContext(alive, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%w: %v", errEnded, err)
	}
	request.Header.Set("content-type", "application/json")
	request.Header.Set("accept", "text/event-stream")
	request.Header.Set("authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	switch status := response.StatusCode; {
	case status == http.StatusUnauthorized:
		return errToken
	case status == http.StatusTooManyRequests || status >= 500:
		return errors.New(response.Status)
	case status != http.StatusOK:
		return fmt.Errorf("%w: %s", errEnded, response.Status)
	}

	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, longestLine)
	name := ""
	for lines.Scan() {
		watchdog.Reset(silence)
		line := lines.Text()
		switch {
		case line == "":
			name = ""
		case line == "event: complete":
			return fmt.Errorf("%w: the channel has ended", errEnded)
		case strings.HasPrefix(line, "event: "):
			name = line[len("event: "):]
		case strings.HasPrefix(line, "data: ") && name == "next":
			var result result
			if err := json.Unmarshal([]byte(line[len("data: "):]), &result); err != nil {
				return err
			}
			if len(result.Errors) > 0 || result.Data == nil {
				return refusal(result)
			}
			if err := handle(result.Data.Channel); err != nil {
				return err
			}
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return errors.New("the response has ended")
}

func refusal(result result) error {
	for _, one := range result.Errors {
		if !retryableErrors[one.Extensions.Code] {
			return fmt.Errorf("%w: %s", errEnded, one.Message)
		}
	}
	return errors.New("refused for now")
}

func load(cursorFile string) *string {
	stored, err := os.ReadFile(cursorFile)
	if err != nil || len(stored) == 0 {
		return nil
	}
	cursor := string(stored)
	return &cursor
}

// store replaces the file as a whole: a process that is killed leaves the old cursor or the new one.
func store(cursorFile, cursor string) error {
	if cursorFile == "" {
		return nil
	}
	if err := os.WriteFile(cursorFile+".new", []byte(cursor), 0o600); err != nil {
		return err
	}
	return os.Rename(cursorFile+".new", cursorFile)
}

func main() {
	if len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr, "expected: URL CLIENT_ID TOKEN [CURSOR_FILE]")
		os.Exit(2)
	}
	cursorFile := ""
	if len(os.Args) > 4 {
		cursorFile = os.Args[4]
	}
	rand.Seed(time.Now().UnixNano())
	// In your program: ask your back end for a token, because this one expires.
	freshToken := func() string { return os.Args[3] }
	out := json.NewEncoder(os.Stdout)
	err := resume(os.Args[1], os.Args[2], freshToken, cursorFile, func(event event) error { return out.Encode(event) })
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
