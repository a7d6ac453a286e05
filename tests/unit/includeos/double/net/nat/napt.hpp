// The double, under the name that a service includes.
#pragma once
#include <machine.hpp>
