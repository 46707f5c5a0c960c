# Makes the account, the folders and the first kado.toml, and lets the service start with the machine.
systemd-sysusers kado.conf || :
systemd-tmpfiles --create kado.conf || :
if [ ! -e /etc/kado/kado.toml ]; then
    mkdir -p /etc/kado
    install -m 644 /usr/share/kado/kado.toml /etc/kado/kado.toml
fi
if [ "$1" -eq 1 ]; then
    systemctl --no-reload preset kado.service kado-token.path >/dev/null 2>&1 || :
fi
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload || :
    if [ "$1" -eq 1 ]; then
        # What the machine's presets switched off stays off.
        if systemctl --quiet is-enabled kado-token.path; then systemctl start kado-token.path || :; fi
        if systemctl --quiet is-enabled kado.service; then kado service start --if-configured || :; fi
    else
        systemctl try-restart kado.service || :
    fi
fi
