# An upgrade leaves the service running; it is restarted when the new program is there.
if [ "$1" -eq 0 ] && [ -d /run/systemd/system ]; then
    systemctl --no-reload disable --now kado-token.path kado.service >/dev/null 2>&1 || :
fi
