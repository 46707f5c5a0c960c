# Configuration, state, token and account stay: rpm knows no purge. docs/service.md names them.
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload || :
fi
