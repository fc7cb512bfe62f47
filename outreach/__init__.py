"""The roof: settings, addresses, schedule, commands; puts the apps together and is imported by none of them."""
