"""Settings, start-up, embedded engines, logging, clock. The only place that joins the parts."""
