// Evaluates expressions with Expr itself: JSON lines {"expr", "env"} in, {"value"} or {"error"} out.
// Times come as RFC 3339 text, durations as Go writes them, bytes as base64.
package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"reflect"
	"time"

	"github.com/expr-lang/expr"
)

type question struct {
	Expr string         `json:"expr"`
	Env  map[string]any `json:"env"`
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	answers := json.NewEncoder(os.Stdout)
	answers.SetEscapeHTML(false)
	for lines.Scan() {
		if err := answers.Encode(answer(lines.Bytes())); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

func answer(line []byte) (told map[string]any) {
	defer func() {
		if problem := recover(); problem != nil {
			told = map[string]any{"error": fmt.Sprint(problem)}
		}
	}()
	var asked question
	reader := json.NewDecoder(bytes.NewReader(line))
	reader.UseNumber()
	if err := reader.Decode(&asked); err != nil {
		return map[string]any{"error": err.Error()}
	}
	value, err := expr.Eval(asked.Expr, withNumbers(asked.Env))
	if err != nil {
		return map[string]any{"error": err.Error()}
	}
	return map[string]any{"value": plain(value)}
}

// An integer of JSON is an int to Expr, as it would be in a Go program.
func withNumbers(value any) any {
	switch held := value.(type) {
	case json.Number:
		if number, err := held.Int64(); err == nil {
			return int(number)
		}
		number, _ := held.Float64()
		return number
	case map[string]any:
		for key, item := range held {
			held[key] = withNumbers(item)
		}
	case []any:
		for index, item := range held {
			held[index] = withNumbers(item)
		}
	}
	return value
}

func plain(value any) any {
	switch held := value.(type) {
	case nil:
		return nil
	case time.Time:
		return held.Format(time.RFC3339Nano)
	case time.Duration:
		return held.String()
	case *time.Location:
		return held.String()
	case []byte:
		return base64.StdEncoding.EncodeToString(held)
	case float64:
		if math.IsNaN(held) || math.IsInf(held, 0) {
			return fmt.Sprint(held)
		}
	}
	of := reflect.ValueOf(value)
	switch of.Kind() {
	case reflect.Map:
		made := map[string]any{}
		for _, key := range of.MapKeys() {
			made[fmt.Sprint(key.Interface())] = plain(of.MapIndex(key).Interface())
		}
		return made
	case reflect.Slice, reflect.Array:
		made := make([]any, of.Len())
		for index := range made {
			made[index] = plain(of.Index(index).Interface())
		}
		return made
	}
	return value
}
