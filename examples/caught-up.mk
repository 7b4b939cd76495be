# */5 * * * * . /etc/kc/env; make -s -f /usr/share/kc/examples/caught-up.mk
# Everything up to now, then an end: exit 0. What is done is never done again; a
# run that still goes on has the store, and the next one says so and ends.
here := $(dir $(lastword $(MAKEFILE_LIST)))

all: shop-sink copy
shop-sink: shop-source
copy: shop-sink
shop-source shop-sink copy:
	$(here)$@.sh -e
.PHONY: all shop-source shop-sink copy
