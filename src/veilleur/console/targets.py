"""What a stop or a question names must exist, for whoever asks: a misspelt stop stops nothing, and
says nothing."""

from __future__ import annotations

from veilleur.console.visitor import Visitor
from veilleur.errors import NotFound
from veilleur.law.orders import Scope
from veilleur.site import Site, SiteCamera


def existing_camera(site: Site, visitor: Visitor, id_: str) -> SiteCamera:
    """Errors: NotFound, also where the camera is none of the visitor's business."""
    camera = site.camera(id_)
    if camera is None or not visitor.sees(id_):
        raise NotFound(f"there is no camera {id_!r}", remedy="look at the list of cameras")
    return camera


def existing_target(site: Site, visitor: Visitor, scope: Scope, target: str) -> str:
    """The target of a stop as `law.orders.Scope` wants it. Errors: NotFound.

    Everything, and the site, may be stopped by anybody who may stop, whatever cameras they see.
    """
    if scope is Scope.EVERYTHING:
        return ""
    if scope is Scope.SITE:
        if target not in ("", site.site):
            raise NotFound(f"this is the site {site.site!r}", remedy="name it, or leave it out")
        return site.site
    id_, _, rule = target.partition("/")
    camera = existing_camera(site, visitor, id_)
    if scope is Scope.CAMERA and not rule:
        return id_
    if scope is Scope.RULE and any(one.id == rule for one in camera.rules):
        return target
    raise NotFound(f"camera {id_!r} has no rule {rule!r}", remedy='write a rule as "camera/rule"')
