// Prints what kubectl would send for YAML texts: a JSON array of texts comes in, a JSON object by text goes out.
//
// kubectl reads a manifest with sigs.k8s.io/yaml, and keeps it as an unstructured object, whose numbers are int64 or
// float64. Both steps are done here with the packages that kubectl is built from.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	kubejson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"
)

// reading is what became of one text: as the value of a key, and as a key.
type reading struct {
	Value json.RawMessage `json:"value,omitempty"`
	Key   string          `json:"key,omitempty"`
	Error string          `json:"error,omitempty"`
}

func main() {
	var texts []string
	if err := json.NewDecoder(os.Stdin).Decode(&texts); err != nil {
		fmt.Fprintln(os.Stderr, "standard input is no JSON array of texts:", err)
		os.Exit(2)
	}
	readings := map[string]reading{}
	for _, text := range texts {
		readings[text] = read(text)
	}
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	if err := out.Encode(readings); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func read(text string) reading {
	value, err := object("a: " + text + "\n")
	if err != nil {
		return reading{Error: err.Error()}
	}
	sent, err := json.Marshal(value["a"])
	if err != nil {
		return reading{Error: err.Error()}
	}
	found := reading{Value: sent}
	keyed, err := object(text + ": 1\n")
	for key := range keyed {
		found.Key = key
	}
	if err != nil {
		found.Error = err.Error()
	}
	return found
}

func object(text string) (map[string]interface{}, error) {
	asJSON, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		return nil, err
	}
	var found map[string]interface{}
	return found, kubejson.Unmarshal(asJSON, &found)
}
