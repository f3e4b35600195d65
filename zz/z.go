package zz
import (
 _ "github.com/gosnmp/gosnmp"
 _ "go.etcd.io/bbolt"
 _ "github.com/eclipse/paho.mqtt.golang"
 _ "github.com/kardianos/service"
 _ "github.com/pelletier/go-toml/v2"
 _ "github.com/pelletier/go-toml/v2/unstable"
 _ "github.com/spf13/cobra"
 _ "github.com/spf13/cobra/doc"
 _ "github.com/google/go-cmp/cmp"
 _ "github.com/rogpeppe/go-internal/testscript"
 _ "github.com/mochi-mqtt/server/v2"
 _ "github.com/mochi-mqtt/server/v2/hooks/auth"
 _ "github.com/mochi-mqtt/server/v2/listeners"
 _ "github.com/google/uuid"
)
