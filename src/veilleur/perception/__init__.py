"""From a picture to objects: detector, back ends, regions, tracker."""
