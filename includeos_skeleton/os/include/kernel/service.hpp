// What a service defines. IncludeOS's class of the same name.
#pragma once

class Service {
 public:
  // Called once, after all plugins. When it returns, the event loop runs.
  static void start();
};
