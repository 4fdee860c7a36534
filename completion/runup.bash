# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Completion for bash. `make lint` compares it with the tables that runup parses with.

# Offers what compgen makes of the arguments and begins with CURRENT.
_runup_reply() { # CURRENT COMPGEN-ARGUMENTS
	local current=$1
	shift
	mapfile -t COMPREPLY < <(compgen "$@" -- "$current")
	# File names get their slash and their quotes; outside a completion there is nothing to tell.
	[[ $1 != -f ]] || compopt -o filenames 2>/dev/null || true
}

# The words that may follow an option as its value; fails where the option takes none.
_runup_value() { # OPTION CURRENT COMMAND
	case $1 in
	--color) _runup_reply "$2" -W 'auto always never' ;;
	-o | --output) _runup_reply "$2" -W "text json$([[ ${3-} != check ]] || echo ' junit tap')" ;;
	--fail-on) _runup_reply "$2" -W 'warn fail' ;;
	--as) _runup_reply "$2" -W 'sysctl.d shell ansible kubernetes' ;;
	--role) _runup_reply "$2" -W 'server generator proxy' ;;
	--process) _runup_reply "$2" -W "$(ps -eo comm= 2>/dev/null)" ;;
	--unit) _runup_reply "$2" -W "$(systemctl list-units --plain --no-legend --type=service 2>/dev/null | cut -d' ' -f1)" ;;
	--closes) _runup_reply "$2" -W 'client server' ;;
	--user) _runup_reply "$2" -u ;;
	--root | --report | --results) _runup_reply "$2" -f ;;
	--netns) _runup_reply "$2" -W "$(ip netns list 2>/dev/null | cut -d' ' -f1)" ;;
	-p | --profile) _runup_profiles "$2" ;;
	--burst | --connections | --duration | --for | --latency | --new-connections | --observe | --only | \
		--pid | --port | --rate | --settle | --skip | --source-ips | --target | --warmup) ;;
	*) return 1 ;;
	esac
}

_runup_profiles() { # CURRENT
	local file names=()
	if [[ $1 == */* ]]; then
		_runup_reply "$1" -f
		return
	fi
	for file in /etc/runup/profiles/*.ini /usr/local/share/runup/profiles/*.ini /usr/share/runup/profiles/*.ini; do
		[[ -e $file ]] || continue
		file=${file##*/}
		names+=("${file%.ini}")
	done
	_runup_reply "$1" -W "${names[*]}"
}

_runup() {
	local current=${COMP_WORDS[COMP_CWORD]} command='' before i
	local load='--bind-first --burst --closes --connections --duration --latency --new-connections
		--no-keepalive --pid --port --process --rate --role --source-ips --target --unit'
	COMPREPLY=()

	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--) # the words of the command that runup starts
			_runup_reply "$current" -f -c
			return
			;;
		--root | --netns | --color) [[ -n $command ]] || ((i++)) ;;
		-*) ;;
		*) [[ -n $command ]] || command=${COMP_WORDS[i]} ;;
		esac
	done
	before=${COMP_WORDS[COMP_CWORD - 1]}
	[[ $before != -* ]] || ! _runup_value "$before" "$current" "$command" || return 0

	local options=
	case $command in
	'') options='--root --netns --color --quiet -q --verbose -v --version -V' ;;
	check) options="--profile -p --observe --output -o --only --skip --fail-on $load" ;;
	capacity) options="--profile -p --output -o $load" ;;
	apply) options="--dry-run -n --as --for --keep-going --output -o $load" ;;
	rollback) options='--all --expired --force --dry-run -n --output -o' ;;
	status | doctor) options='--output -o' ;;
	profiles) options="--output -o $load" ;;
	run) options="--profile -p --apply --skip --user --report --no-argv $load" ;;
	help) options='--tsv' ;;
	esac

	if [[ $current == -* ]]; then
		_runup_reply "$current" -W "$options"
	elif [[ -z $command ]]; then
		_runup_reply "$current" -W 'check capacity apply confirm rollback status run profiles explain doctor help'
	else
		case $command in
		apply | profiles) _runup_profiles "$current" ;;
		confirm | rollback) _runup_reply "$current" -W "$(_runup_changesets)" ;;
		help) _runup_reply "$current" -W 'check capacity apply confirm rollback status run profiles explain doctor' ;;
		esac
	fi
}

_runup_changesets() {
	local file
	for file in "${RUNUP_STATE_DIR:-/var/lib/runup}"/changesets/*.journal; do
		[[ -e $file ]] || continue
		file=${file##*/}
		printf '%s\n' "${file%.journal}"
	done
}

complete -F _runup runup
